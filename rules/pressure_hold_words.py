"""What the pressure test of pipes says."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "打压试验",
        "入冬前给暖气管道打压的试验，带结果。做法：充满水、放尽空气，升到图纸规定的试验压力；关好通往锅炉、水泵和补水的"
        "阀门，等压力稳定；在面板上该位置的页面按“开始试验”（或 caretaker declare 位置 pressure-test-begin，或开关上报 "
        "pressure_test = 1），之后谁都不动阀门，等 test_h（24 小时）。合格与不合格看最初和最后十分钟平均压力之差：下降"
        "不超过 limit_pct（2%）为合格，写进当天汇总；超过的马上通知，附数字；下降超过两倍限值持续 15 秒的，不等结束就报"
        "。提前结束、读数不足九成、起始压力低于 least_kpa（50 kPa）、压力中途回升超过两倍限值（补过水）的，不给结果，在"
        "汇总里说明原因。有该位置的温度读数（先看管道、回水、供水，再看房间）时，按管内残余空气的气体定律折算到起始温度"
        "：绝对压力与绝对温度成正比，约每度 0.35%。局限：完全没有空气的满水钢管，水温变化一度压力可变几十 kPa 以上，远"
        "大于这个折算；所以要等水温与周围一致再开始，温度变化超过 10 度的不给结果。读数：pressure_kpa（表压）。它不代替"
        "验收规范要求的试验。",
        "不合格：沿管道检查法兰、阀门、散热器接口和滴水处，修好后重新升压，再按“开始试验”。",
        {
            "pressure_hold.passed": "打压试验合格：{took_s} 内从 {first_kpa:.0f} kPa 到 {last_kpa:.0f} kPa，温度变化 "
            "{warmed_k:+.1f} 度，折算后下降 {fall_pct:.1f}%（限值 {limit_pct:g}%）",
            "pressure_hold.passed_plain": "打压试验合格：{took_s} 内从 {first_kpa:.0f} kPa 到 {last_kpa:.0f} kPa，下降 "
            "{fall_pct:.1f}%（限值 {limit_pct:g}%，没有温度折算）",
            "pressure_hold.failed": "打压试验不合格：{took_s} 内从 {first_kpa:.0f} kPa 降到 {last_kpa:.0f} kPa，温度变"
            "化 {warmed_k:+.1f} 度，折算后下降 {fall_pct:.1f}%，超过 {limit_pct:g}%",
            "pressure_hold.failed_plain": "打压试验不合格：{took_s} 内从 {first_kpa:.0f} kPa 降到 {last_kpa:.0f} kPa，"
            "下降 {fall_pct:.1f}%，超过 {limit_pct:g}%（没有温度折算）",
            "pressure_hold.failed_early": "打压试验不合格：才 {took_s} 就从 {first_kpa:.0f} kPa 降到 {last_kpa:.0f} "
            "kPa，下降 {fall_pct:.1f}%，已超过限值 {limit_pct:g}% 的两倍",
            "pressure_hold.cut_short": "打压试验没有结果：只做了 {took_s} 就结束了；到那时下降 {fall_pct:.1f}%",
            "pressure_hold.unread": "打压试验没有结果：{took_s} 里只有 {covered_s} 有压力读数",
            "pressure_hold.no_pressure": "打压试验没有结果：起始压力只有 {first_kpa:.0f} kPa，没有升到试验压力",
            "pressure_hold.unsteady": "打压试验没有结果：温度变化 {warmed_k:+.1f} 度，太大，无法折算；等温度稳定后重做",
            "pressure_hold.rose": "打压试验没有结果：压力中途回升，可能补过水或受热（{first_kpa:.0f} kPa 到 "
            "{last_kpa:.0f} kPa）",
            "pressure_hold.over": "打压试验已结束",
            "pressure_hold.again": "重新开始了打压试验",
            "pressure_hold.waits": "没有在试验。做法：充水放气、升到试验压力、关好阀门、等压力稳定、按“开始试验”，等 "
            "{test_s}",
            "pressure_hold.begins": "试验从 {begun_at} 开始，正在取起始压力；还有 {left_s}",
            "pressure_hold.runs": "试验从 {begun_at} 开始：起始 {first_kpa:.0f} kPa，现在 {kpa:.0f} kPa，折算后下降 "
            "{fall_pct:.1f}%（限值 {limit_pct:g}%）；还有 {left_s}",
            "pressure_hold.was_passed": "上次试验 {ended_at} 结束：合格，下降 {fall_pct:.1f}%",
            "pressure_hold.was_failed": "上次试验 {ended_at} 结束：不合格，下降 {fall_pct:.1f}%；修好后重新试验",
            "pressure_hold.was_void": "上次试验 {ended_at} 结束，没有结果（下降 {fall_pct:.1f}%）；请重做",
        },
    ),
    "en": Words(
        "Pressure test of pipes",
        "The test of heating pipes before winter, with a result. How to: fill the pipes with water, let all air out "
        "and pump up to the test pressure of the design; close the valves to boiler, pump and make-up water, and wait "
        "until the pressure stands still; press “Begin the test” on the panel's page of the place (or caretaker "
        "declare PLACE pressure-test-begin, or let a switch send pressure_test = 1); then nobody touches a valve for "
        "test_h (24 h). What counts is the mean pressure of the first ten minutes against that of the last: a fall of "
        "at most limit_pct (2 %) has passed, which is a line in the day's summary; more calls somebody, with the "
        "numbers; more than double the limit for 15 s fails before the end. A test that was ended early, was read for "
        "less than nine tenths of its time, began below least_kpa (50 kPa) or rose on the way by more than double the "
        "limit (topped up) has no result; the summary says why. With a temperature of the same place (of pipe, return "
        "or supply, else of the room) the pressure is carried to the first temperature by the law of gases, for the "
        "air that is left in the pipes: absolute pressure in proportion to absolute temperature, some 0.35 % a degree. "
        "Limits: in steel pipes without any air a degree of the water changes the pressure by tens of kPa and more, "
        "far beyond this; so begin when the water is as warm as what is around it; a change of more than 10 degrees "
        "has no result. Reading: pressure_kpa (on the gauge). It stands in for no test that a code of acceptance asks "
        "for.",
        "Failed: walk along the pipes and look at flanges, valves, radiators and drops; repair, pump up again, and "
        "press “Begin the test”.",
        {
            "pressure_hold.passed": "the pressure test has passed: from {first_kpa:.0f} kPa to {last_kpa:.0f} kPa in "
            "{took_s}, temperature {warmed_k:+.1f} K, a fall of {fall_pct:.1f} % carried to the first temperature "
            "(limit {limit_pct:g} %)",
            "pressure_hold.passed_plain": "the pressure test has passed: from {first_kpa:.0f} kPa to {last_kpa:.0f} "
            "kPa in {took_s}, a fall of {fall_pct:.1f} % (limit {limit_pct:g} %, not corrected for temperature)",
            "pressure_hold.failed": "the pressure test has failed: from {first_kpa:.0f} kPa to {last_kpa:.0f} kPa in "
            "{took_s}, temperature {warmed_k:+.1f} K, a fall of {fall_pct:.1f} % carried to the first temperature, "
            "more than {limit_pct:g} %",
            "pressure_hold.failed_plain": "the pressure test has failed: from {first_kpa:.0f} kPa to {last_kpa:.0f} "
            "kPa in {took_s}, a fall of {fall_pct:.1f} %, more than {limit_pct:g} % (not corrected for temperature)",
            "pressure_hold.failed_early": "the pressure test has failed already: from {first_kpa:.0f} kPa to "
            "{last_kpa:.0f} kPa in {took_s}, a fall of {fall_pct:.1f} %, more than double the limit of {limit_pct:g} %",
            "pressure_hold.cut_short": "the pressure test has no result: it was ended after {took_s}; the fall by then "
            "was {fall_pct:.1f} %",
            "pressure_hold.unread": "the pressure test has no result: in {took_s} the pressure was read for "
            "{covered_s} only",
            "pressure_hold.no_pressure": "the pressure test has no result: it began at {first_kpa:.0f} kPa, which is "
            "no test pressure",
            "pressure_hold.unsteady": "the pressure test has no result: the temperature changed by {warmed_k:+.1f} K, "
            "too much to correct for; repeat it when that is steady",
            "pressure_hold.rose": "the pressure test has no result: the pressure rose on the way, as by topping up or "
            "heat ({first_kpa:.0f} kPa to {last_kpa:.0f} kPa)",
            "pressure_hold.over": "the pressure test is over",
            "pressure_hold.again": "the pressure test was begun again",
            "pressure_hold.waits": "no test runs. How to: fill and vent, pump up to the test pressure, close the "
            "valves, wait until it stands still, press “Begin the test”, and wait for {test_s}",
            "pressure_hold.begins": "a test runs since {begun_at} and takes its first pressure; {left_s} to go",
            "pressure_hold.runs": "a test runs since {begun_at}: first {first_kpa:.0f} kPa, now {kpa:.0f} kPa, a "
            "corrected fall of {fall_pct:.1f} % (limit {limit_pct:g} %); {left_s} to go",
            "pressure_hold.was_passed": "the last test ended {ended_at}: passed, with a fall of {fall_pct:.1f} %",
            "pressure_hold.was_failed": "the last test ended {ended_at}: failed, with a fall of {fall_pct:.1f} %; "
            "repair and test again",
            "pressure_hold.was_void": "the last test ended {ended_at} without a result (a fall of {fall_pct:.1f} %); "
            "repeat it",
        },
    ),
}
