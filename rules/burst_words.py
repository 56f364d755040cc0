"""What the rule for bursts says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "爆管",
        "发现突然大量出水。每块表按星期几、几点记下自己五分钟平均流量的最大值；连续十分钟（hold_min）超过它的 "
        "1.5 倍（profile_factor），又超过水表常用流量 Q3 的两成（q3_share），就是爆管，马上通知。"
        "房间和走廊人少，和整周的最大值比，要超过 Q3 的一半（few_share）。"
        "Q3 写在 q3_m3h，不写就按房间 2.5、走廊 4、楼层和整栋楼 10 立方米/时算。整栋楼还看累计："
        "比平时同一时段一直偏多，写进日报，调休的日子不看。放假没人时十分钟超过 5 升/分（empty_lpm）也写进日报；"
        "一天内又来的只作记录。"
        "头一周要等两个同样的日子（上学日或周末）才判，而且要满半小时。楼层和整栋楼的表一小时超过平时的两倍也算爆管。"
        "计划停电恢复后十分钟内不判。放假和出事的时段不学。",
        "马上到现场关总阀，再找破裂处；注意积水处的电器。",
        {
            "burst.raised": "出水量异常大：{lpm:.0f} 升/分（{m3_h:.1f} 立方米/时），已 {ran_s}，可能爆管",
            "burst.more": "用水一直比平时多：{lpm:.0f} 升/分，平时这个钟点约 {usual:.0f} 升/分",
            "burst.empty": "放假没人却在用水：{lpm:.0f} 升/分",
            "burst.cleared": "出水恢复正常，前后 {ran_s}",
            "burst.calm": "五分钟平均 {lpm:.1f} 升/分，连续十分钟超过 {limit:.1f} 升/分才报；"
            "累计偏多 {sum:.1f}，到 {told:.0f} 才报",
            "burst.still": "还没恢复：五分钟平均 {lpm:.1f} 升/分，爆管线 {limit:.1f} 升/分；"
            "累计偏多 {sum:.1f}，到 {told:.0f} 才报",
            "burst.watched_empty": "放假，应该没人：五分钟平均 {lpm:.1f} 升/分，超过 {limit:.1f} 升/分才报",
            "burst.learning": "还要再学 {left_s}的用水规律",
        },
    ),
    "en": Words(
        "Burst",
        "Finds a sudden rush of water. Each meter learns the largest mean of five minutes for each hour of its "
        "week; ten minutes (hold_min) over 1.5 times that (profile_factor) and over a fifth (q3_share) of the "
        "meter's rated flow Q3 are a burst and told at once; for a room or a corridor it is the largest of the "
        "whole week and half of Q3 (few_share). Q3 is set as q3_m3h, else 2.5 m3/h is taken for a "
        "room, 4 for a corridor, 10 for a floor or a building. In a whole building a flow that stays "
        "above the usual for this hour is summed up and becomes a line in the summary; so do ten minutes over "
        "5 L/min (empty_lpm) in the holidays; what comes again within a day is only a record. On a floor or in a "
        "building an hour over twice the usual mean is a burst too. In the first week two days of the same kind "
        "(school days or weekends) must be known and half an hour must pass. Holidays and hours with an alert are "
        "never learned from, and ten minutes after a planned power cut nothing is judged.",
        "Go at once and close the main valve, then look for the break; mind electricity where water stands.",
        {
            "burst.raised": "far too much water: {lpm:.0f} L/min ({m3_h:.1f} m3/h) for {ran_s}, "
            "perhaps a burst pipe",
            "burst.more": "more water than usual for some time: {lpm:.0f} L/min, at this hour usually {usual:.0f}",
            "burst.empty": "water is drawn although nobody should be here: {lpm:.0f} L/min",
            "burst.cleared": "the flow is as usual again, after {ran_s}",
            "burst.calm": "{lpm:.1f} L/min over five minutes; ten minutes over {limit:.1f} are told, and a sum of "
            "deviations of {told:.0f} (now {sum:.1f})",
            "burst.still": "not over yet: {lpm:.1f} L/min over five minutes, a burst from {limit:.1f} on; the sum "
            "of deviations is {sum:.1f} of {told:.0f}",
            "burst.watched_empty": "holidays, nobody should be here: {lpm:.1f} L/min over five minutes, "
            "told over {limit:.1f}",
            "burst.learning": "{left_s} more to learn what is usual",
        },
    ),
}
