"""What the rule for heating left on says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "放假供暖未关",
        "楼里没人用，供暖还开着。看部位 heating（可编号，如 heating-2）的供水温度（高于 on_c，35 度，算开）或开关状态（"
        "on）。周末、节假日、寒暑假整天没人用的楼，供暖累计开满 hold_h（2 小时）写进当天汇总，满 long_h（24 小时）才马"
        "上通知；停不到 pause_min（60 分钟）算没停。重新开门前 lead_h（12 小时）可以预热。教学楼平时夜里停过又开，比开"
        "门早 early_h（4 小时）以上的，也写进汇总。装了室外温度（类型 outdoor 的地点）的，室外低于 frost_c（4 度）时可"
        "能是防冻，不算；降到 35 度以下的防冻运行也不算。还看有供暖的房间：室外冷 10 度以上，最冷的房间过了 coast_h（"
        "12 小时）没有凉下 0.5 度、还不低于 warm_c（17 度），就是还在供暖，多冷的天都算（要装室外温度）。局限：几栋楼合"
        "用的供暖回路，要放在 plant 类的楼里，否则只按所在楼的作息判断；保温极好的楼凉得慢，可调高 coast_h。",
        "没有人用的，把供暖调到防冻或值班温度；查定时器是否写进了周末和假期。要提前供暖的，让负责人确认。",
        {
            "heating_left_on.raised_on": "楼关着，供暖还在开，从 {since_at} 起已开 {on_s}",
            "heating_left_on.raised_warm": "楼关着，房间一直没有凉下来，从 {since_at} 起已 {on_s}，供暖应该还开着",
            "heating_left_on.raised_early": "{since_at} 就开始供暖，已 {on_s}，比开门早太多",
            "heating_left_on.cleared_off": "供暖已停，没人用时共开了 {on_s}",
            "heating_left_on.cleared_used": "楼开门了，没人用时共开了 {on_s}",
            "heating_left_on.unheard": "还没有收到读数",
            "heating_left_on.used": "楼在使用，{until_at} 以前不判",
            "heating_left_on.closed": "楼关着，没有在供暖，或室外太冷，供暖可能是防冻；{until_at} 再看作息",
            "heating_left_on.warming": "快开门了，{until_at} 以前可以预热",
            "heating_left_on.early": "{until_at} 以前不必供暖，现在没有提前开",
            "heating_left_on.waiting": "从 {since_at} 起没人用，供暖开着，已 {on_s}，满 {needed_s}才报",
            "heating_left_on.told": "已报：从 {since_at} 起没人用，供暖已开 {on_s}",
        },
    ),
    "en": Words(
        "Heating left on",
        "A building is heated while nobody uses it. What is read is the supply temperature of the part heating (or "
        "numbered, as heating-2), which runs above on_c (35 °C), or its own word on. On weekends, holidays and in "
        "vacations, when no room of the building is used all day, heating that ran for hold_h (2 h) in all is a line "
        "in the day's summary, and for long_h (24 h) calls somebody; a pause shorter than pause_min (60 min) is none. "
        "It may warm up for lead_h (12 h) before the building opens again. Where there is only teaching, heating that "
        "was off at night and starts more than early_h (4 h) before opening is a line in the summary too. With a "
        "sensor of the air outside (a place of kind outdoor), what runs below frost_c (4 °C) may be frost protection "
        "and does not count; nor does a set-back of the circuit below on_c. With that sensor heated rooms are looked "
        "at too: if the coldest is at warm_c (17 °C) or more and did not cool by half a degree in coast_h (12 h) with "
        "10 K less outside, something heats it, however cold it is. Limits: a circuit that serves several buildings "
        "belongs into one of kind plant, or it is judged by the hours of its own; a well insulated building cools "
        "slowly, so raise coast_h.",
        "If nobody needs it, set the heating back to frost protection; see whether the timer knows weekends and "
        "holidays. If it is to be warm early, have the person responsible confirm it.",
        {
            "heating_left_on.raised_on": "the building is closed and heating runs, for {on_s} since {since_at}",
            "heating_left_on.raised_warm": "the building is closed and its rooms do not cool down, for {on_s} since "
            "{since_at}: it must be heated",
            "heating_left_on.raised_early": "heating began at {since_at}, long before opening, and has run {on_s}",
            "heating_left_on.cleared_off": "heating is off; it ran {on_s} for nobody",
            "heating_left_on.cleared_used": "the building opens; heating ran {on_s} for nobody",
            "heating_left_on.unheard": "no reading has come yet",
            "heating_left_on.used": "the building is in use; not judged before {until_at}",
            "heating_left_on.closed": "closed and not heated, or so cold outside that it may be frost protection; the "
            "hours are looked at again at {until_at}",
            "heating_left_on.warming": "the building opens soon; it may warm up until {until_at}",
            "heating_left_on.early": "no heating is needed before {until_at}, and none has begun",
            "heating_left_on.waiting": "heating has run for nobody since {since_at}, {on_s} so far; told after "
            "{needed_s}",
            "heating_left_on.told": "raised: heating has run for nobody since {since_at}, {on_s} so far",
        },
    ),
}
