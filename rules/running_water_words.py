"""What the rule for running water says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "长流水",
        "发现没关的水龙头。人用水总有停顿，忘关的龙头没有：近五分钟平均流量一直不低于 limit_lpm，又没有一分钟停过，"
        "就算在流。房间连流 30 分钟（hold_min）报警，走廊 45 分钟；"
        "教学楼卫生间流量平稳的 30 分钟，忽大忽小像许多人在用的一小时；关门后或课表没课的房间 10 分钟（closed_min）。"
        "宿舍水房是一层楼的人轮流用，洗漱高峰不判，白天要连流一小时（floor_min）且每分钟不低于 floor_lpm，"
        "忽大忽小的加倍，平时就流得久的楼层再放宽；上课时间流量平稳的（不像许多人轮流用水），和走廊一样判；整栋楼和泵房、食堂只在夜里和关门后判，学期里食堂五点起做饭不判。"
        "楼里各房间自己有水表的，由房间的表通知，整栋楼的表只记日报。用流量（flow_lpm）或水表读数（volume_m3）；"
        "每脉冲 10 升的表可用（看得出 tap_lpm 以上的水龙头），100 升的表太粗，由夜间流量规则来管。",
        "到现场查看：关好水龙头；关不住就先关总阀，再报修。",
        {
            "running_water.raised": "已连续流水 {ran_s}，约 {litres:.0f} 升（{lpm:.1f} 升/分）",
            "running_water.cleared": "水已停，共流水 {ran_s}，约 {litres:.0f} 升",
            "running_water.runs": "水在流（{lpm:.1f} 升/分），已算 {covered_s}，满 {needed_s}才报警",
            "running_water.peak": "水在流（{lpm:.1f} 升/分），正是洗漱高峰，不计时；"
            "已算 {covered_s}，满 {needed_s}才报警",
            "running_water.not_judged": "水已流 {ran_s}，约 {litres:.0f} 升（{lpm:.1f} 升/分）；"
            "人多的水表只在夜里和关门后判断",
            "running_water.calm": "没有一直流水：现在 {lpm:.1f} 升/分，连续不低于 {limit:.1f} 升/分才算",
            "running_water.unheard": "现在没有可用的读数，无法判断",
            "running_water.coarse": "每脉冲 {pulse:.0f} 升，太粗，看不出水龙头有没有停过",
        },
    ),
    "en": Words(
        "Running water",
        "Finds a tap that was left open. People pause, an open tap does not: water runs while the mean of five "
        "minutes stays at or over limit_lpm and no minute is still. A room is told after 30 min (hold_min), a "
        "corridor after 45, a washroom beside classrooms after 30 if the flow is steady and after an hour if it is "
        "that of many people, a room that is closed or has no lesson after 10 (closed_min). In the washroom of a "
        "dormitory a whole floor washes in turn: it is not judged in the washing peaks, and by day after an hour "
        "(floor_min) in which no minute fell below floor_lpm, twice that if it is not steady, "
        "longer on a floor that often runs long; while lessons are held it is judged as a corridor, if the flow is "
        "steady and not that of many people. A whole "
        "building, the canteen and the plant are judged at night and when closed, a canteen in term only until it "
        "begins to cook at five. Where rooms have water meters of "
        "their own these page, and the meter of the whole building is a line in the summary. It reads a flow "
        "(flow_lpm) or a register (volume_m3); with 10 L a pulse it sees taps of tap_lpm and more, 100 L is too "
        "coarse and is left to the rule for night flow.",
        "Go and look: close the tap; if it will not close, shut the main valve and call a plumber.",
        {
            "running_water.raised": "water has run for {ran_s} without a pause, "
            "about {litres:.0f} L ({lpm:.1f} L/min)",
            "running_water.cleared": "the water has stopped after {ran_s} and about {litres:.0f} L",
            "running_water.runs": "water runs ({lpm:.1f} L/min); {covered_s} of {needed_s} count so far",
            "running_water.peak": "water runs ({lpm:.1f} L/min), but in a washing peak no time counts; "
            "{covered_s} of {needed_s} count so far",
            "running_water.not_judged": "water has run for {ran_s}, about {litres:.0f} L ({lpm:.1f} L/min); with "
            "so many people behind the meter it is judged at night and when closed only",
            "running_water.calm": "no steady run: {lpm:.1f} L/min now, and only {limit:.1f} L/min or more counts",
            "running_water.unheard": "there is no fresh reading to judge by",
            "running_water.coarse": "a pulse of {pulse:.0f} L is too coarse to tell whether a tap has paused",
        },
    ),
}
