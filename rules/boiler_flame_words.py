"""What the rule for flame failure says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "锅炉熄火或点不着",
        "燃烧器收到了要热的信号（demand，燃烧器自己的请求，也可写在部位 burner 下），却没有火。三种情况：烧着烧着火没了"
        "，要热信号"
        "还在，满 lost_s（10 秒）按紧急报，夜里也叫人；要热满 light_min（5 分钟）还没点着，马上通知，吹扫和正常点火都在"
        "这段时间"
        "以内；一小时内重新点火 retries（3）次，马上通知。火焰读数是 flame（或部位 burner 的 flame、on）。正常停火时要"
        "热信号和火"
        "一起消失，差一次采样也不报。没有火焰读数的，看水温：要热 light_min 以后，出水既没有升高 warm_k（1 "
        "度），也不比回水热 warm_k，"
        "算没有点着。局限：demand 接的若是整个系统的信号，而锅炉自己按水温停火，会误报；没有 demand 就不看。它只提醒："
        "安全要靠"
        "检验合格的联锁装置。",
        "通知持证司炉人员：不要反复点火，先关燃料阀、通风，再查燃料、点火和火焰探头。",
        {
            "boiler_flame.lost": "火灭了，还在要热，已 {held_s}",
            "boiler_flame.unlit": "要热已 {held_s}，还没有点着",
            "boiler_flame.relit": "一小时内重新点火 {tries:.0f} 次",
            "boiler_flame.cold": "要热已 {held_s}，出水（{celsius:.0f} 度）没有升温，也不比回水热，可能没有点着",
            "boiler_flame.cleared_lit": "火又烧着了；前后 {held_s}",
            "boiler_flame.cleared_idle": "已不再要热；前后 {held_s}",
            "boiler_flame.cleared_warm": "出水又热起来了，{celsius:.0f} 度；前后 {held_s}",
            "boiler_flame.cleared_unasked": "已不再要热，出水 {celsius:.0f} 度；前后 {held_s}",
            "boiler_flame.is_unheard": "要热信号或火焰还没有读数",
            "boiler_flame.is_burning": "{heard_at} 有火；最近一小时重新点火 {tries:.0f} 次",
            "boiler_flame.is_idle": "{heard_at} 没有要热，不该有火",
            "boiler_flame.is_unlit": "{heard_at} 在要热，还没有点着，已 {held_s}，满 {needed_s}就报",
            "boiler_flame.is_out": "{heard_at} 在要热，火灭了，已 {held_s}，满 {needed_s}就报",
            "boiler_flame.is_unheard_warmth": "要热信号或出水温度还没有读数",
            "boiler_flame.is_idle_warmth": "{heard_at} 没有要热，出水 {celsius:.0f} 度",
            "boiler_flame.is_warming": "{heard_at} 在要热，出水 {celsius:.0f} 度，看得出在烧",
            "boiler_flame.is_cold": "{heard_at} 在要热，出水 {celsius:.0f} 度，看不出在烧，已 {held_s}，满 {needed_s}就"
            "报",
        },
    ),
    "en": Words(
        "Flame failure",
        "The burner is asked for heat (demand, the burner's own, also of the part burner) and has no flame. Three "
        "cases: a flame that was there is gone while the call for heat stands, for lost_s (10 s): critical, and breaks "
        "the quiet hours; no flame light_min (5 min) after the call, which leaves time for purging and lighting: "
        "somebody is called; the flame had to be lit again retries (3) times within an hour: somebody is called. The "
        "flame is read as flame (or flame or on of the part burner). When firing ends as it should, call and flame end "
        "together, and a sample between them raises nothing. Without a flame reading the water tells: it did not light "
        "if light_min after the call the outlet has neither risen by warm_k (1 K) nor is warmer than the return by "
        "that much. Limits: a demand of the whole system, where the boiler stops by its own thermostat, raises false "
        "alarms; without a demand nothing is judged. It only watches: safety is the certified interlock's.",
        "Call the licensed boiler attendant: no lighting again and again; close the fuel valve and air the room first, "
        "then look at fuel, ignition and flame detector.",
        {
            "boiler_flame.lost": "the flame is out while heat is asked for, for {held_s}",
            "boiler_flame.unlit": "heat has been asked for, for {held_s}, and there is no flame",
            "boiler_flame.relit": "the flame had to be lit again {tries:.0f} times within an hour",
            "boiler_flame.cold": "heat has been asked for, for {held_s}, and the outlet ({celsius:.0f} °C) neither "
            "rises nor is warmer than the return: it may not have lit",
            "boiler_flame.cleared_lit": "the flame is back, after {held_s}",
            "boiler_flame.cleared_idle": "heat is no longer asked for, after {held_s}",
            "boiler_flame.cleared_warm": "the outlet gets warm again, {celsius:.0f} °C, after {held_s}",
            "boiler_flame.cleared_unasked": "heat is no longer asked for, the outlet is at {celsius:.0f} °C, after "
            "{held_s}",
            "boiler_flame.is_unheard": "demand or flame has not been read yet",
            "boiler_flame.is_burning": "at {heard_at} there was a flame; lit again {tries:.0f} times in the last hour",
            "boiler_flame.is_idle": "at {heard_at} no heat was asked for, and no flame is expected",
            "boiler_flame.is_unlit": "at {heard_at} heat was asked for and nothing lit yet, {held_s} of {needed_s}",
            "boiler_flame.is_out": "at {heard_at} heat was asked for and the flame was gone, {held_s} of {needed_s}",
            "boiler_flame.is_unheard_warmth": "demand or outlet temperature has not been read yet",
            "boiler_flame.is_idle_warmth": "at {heard_at} no heat was asked for, the outlet was at {celsius:.0f} °C",
            "boiler_flame.is_warming": "at {heard_at} heat was asked for and the outlet, {celsius:.0f} °C, shows a "
            "fire",
            "boiler_flame.is_cold": "at {heard_at} heat was asked for and the outlet, {celsius:.0f} °C, shows no fire, "
            "{held_s} of {needed_s}",
        },
    ),
}
