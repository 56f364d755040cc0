"""What the rule for the pressure of boilers says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "锅炉压力异常",
        "看三件事，各报各的。压力高：写了工作压力 working_kpa（铭牌，表压）才看，超过它的 90% 写进当天汇总，超过 95% 马"
        "上通知，"
        "达到安全阀整定压力 valve_kpa（不写就按工作压力）按紧急报。压力下降：10 分钟内掉了 fall_pct（20%）以上，多半是"
        "漏水，"
        "按紧急报，夜里也叫人；降温引起的不算（热水每降 1 度约合 1.5%），所以夜间降温、正常停炉不报；循环泵启停后的一分"
        "钟也不算。"
        "产汽的，或没有水温读数的，只要火焰读数说火已熄，就不看熄火期间的下降。报了以后，压力补回来才算恢复。"
        "压力低：写了 static_kpa（系统最高点的水柱静压）才看，"
        "低于它加 50 kPa 马上通知。都要满 hold_s（15 秒），回差 2%。读数：锅炉房的 "
        "pressure_kpa，"
        "可加温度、火焰、循环泵状态。局限：慢漏看不出，靠静压线；不足 15 kPa 的变化不看。它只提醒：安全要靠检验合格的安"
        "全阀和联锁"
        "装置。",
        "压力高：通知持证司炉人员减火、停火，查安全阀。下降或低：立即停火，查漏水、补水和定压装置，不要急补冷水。",
        {
            "boiler_pressure.high_raised": "压力 {kpa:.0f} kPa，超过 {line_kpa:.0f} kPa，已 {held_s}；最高 "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.high_cleared": "压力已降到 {kpa:.0f} kPa；超过 {line_kpa:.0f} kPa 共 {held_s}，最高 "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.high_is_calm": "{heard_at} 压力 {kpa:.0f} kPa，超过 {line_kpa:.0f} kPa 才报",
            "boiler_pressure.high_is_beyond": "{heard_at} 压力 {kpa:.0f} kPa，超过了 {line_kpa:.0f} kPa",
            "boiler_pressure.low_raised": "压力 {kpa:.0f} kPa，低于 {line_kpa:.0f} kPa，已 {held_s}；最低 "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.low_cleared": "压力已回到 {kpa:.0f} kPa；低于 {line_kpa:.0f} kPa 共 {held_s}，最低 "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.low_is_calm": "{heard_at} 压力 {kpa:.0f} kPa，低于 {line_kpa:.0f} kPa 才报",
            "boiler_pressure.low_is_beyond": "{heard_at} 压力 {kpa:.0f} kPa，低于 {line_kpa:.0f} kPa",
            "boiler_pressure.is_unheard": "还没有收到压力读数",
            "boiler_pressure.falling_raised": "压力在 {ago_s}内从 {from_kpa:.0f} 降到 {kpa:.0f} kPa，少了 "
            "{lost_pct:.0f}%"
            "（已扣除降温），可能漏水",
            "boiler_pressure.falling_cleared": "压力已回到 {kpa:.0f} kPa（{ago_s}前是 {from_kpa:.0f}，还差 "
            "{lost_pct:.0f}%）",
            "boiler_pressure.falling_is_unheard": "还没有收到压力读数",
            "boiler_pressure.falling_is_calm": "{heard_at} 压力 {kpa:.0f} kPa，10 分钟内最高 {from_kpa:.0f}，扣除降温少"
            "了 "
            "{lost_pct:.0f}%，超过 {line_pct:.0f}% 才报",
            "boiler_pressure.falling_is_beyond": "{heard_at} 压力 {kpa:.0f} kPa，从 {from_kpa:.0f} 降下来，扣除降温少了"
            " "
            "{lost_pct:.0f}%，超过 {line_pct:.0f}% 要报",
        },
    ),
    "en": Words(
        "Boiler pressure",
        "Three things, each an alert of its own. High, once the working pressure working_kpa is set (nameplate, on the "
        "gauge): over 90 % of it is a line in the day's summary, over 95 % somebody is called, at valve_kpa, where the "
        "safety valve opens (the working pressure if not set), it is critical. Falling: more than fall_pct (20 %) "
        "within 10 min is most likely a leak, critical, and breaks the quiet hours; what cooling explains does not "
        "count (hot water loses about 1.5 % a kelvin), so a night set-back or a shut-down raises nothing, nor does the "
        "minute after the circulation pump has switched. A boiler that makes steam, or whose temperature is not known, "
        "is not judged for the time its flame is read to be out. It ends when the pressure is back. Low, once "
        "static_kpa is set (the column of water up to the top of the system): below that plus 50 kPa "
        "somebody is called. All count after hold_s (15 s), with a deadband of 2 %. Readings: pressure_kpa of a boiler "
        "room, and where there are temperature, flame and the state of the pump. Limits: a slow leak shows only "
        "against the static line; changes below 15 kPa are not looked at. It only watches: safety is the certified "
        "valve's and interlock's.",
        "High: call the licensed boiler attendant to lower the fire or put it out, and look at the safety valve. "
        "Falling or low: fire off at once, look for leaks and at feed and expansion; no sudden cold water.",
        {
            "boiler_pressure.high_raised": "{kpa:.0f} kPa, over {line_kpa:.0f} kPa for {held_s}; at most "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.high_cleared": "down to {kpa:.0f} kPa; over {line_kpa:.0f} kPa for {held_s}, at most "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.high_is_calm": "at {heard_at} the pressure was {kpa:.0f} kPa; more than {line_kpa:.0f} "
            "raises",
            "boiler_pressure.high_is_beyond": "at {heard_at} the pressure was {kpa:.0f} kPa, over {line_kpa:.0f}",
            "boiler_pressure.low_raised": "{kpa:.0f} kPa, below {line_kpa:.0f} kPa for {held_s}; at least "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.low_cleared": "back at {kpa:.0f} kPa; below {line_kpa:.0f} kPa for {held_s}, at least "
            "{extreme_kpa:.0f} kPa",
            "boiler_pressure.low_is_calm": "at {heard_at} the pressure was {kpa:.0f} kPa; less than {line_kpa:.0f} "
            "raises",
            "boiler_pressure.low_is_beyond": "at {heard_at} the pressure was {kpa:.0f} kPa, below {line_kpa:.0f}",
            "boiler_pressure.is_unheard": "no reading of the pressure has come yet",
            "boiler_pressure.falling_raised": "the pressure fell from {from_kpa:.0f} to {kpa:.0f} kPa in {ago_s}, "
            "{lost_pct:.0f} % more than cooling explains: a leak?",
            "boiler_pressure.falling_cleared": "the pressure is back at {kpa:.0f} kPa ({from_kpa:.0f} {ago_s} ago, "
            "{lost_pct:.0f} % less)",
            "boiler_pressure.falling_is_unheard": "no reading of the pressure has come yet",
            "boiler_pressure.falling_is_calm": "at {heard_at} the pressure was {kpa:.0f} kPa, at most "
            "{from_kpa:.0f} within 10 min; {lost_pct:.0f} % are lost beyond what cooling explains, more than "
            "{line_pct:.0f} % raises",
            "boiler_pressure.falling_is_beyond": "at {heard_at} the pressure was {kpa:.0f} kPa, down from "
            "{from_kpa:.0f}; {lost_pct:.0f} % are lost beyond what cooling explains, more than {line_pct:.0f} % "
            "raises",
        },
    ),
}
