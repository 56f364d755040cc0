"""What the rule for the water level of boilers says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "锅炉水位异常",
        "看锅炉里的水太少还是太多，各报各的。水位（level_mm，离中线的毫米数，正常为 0）低于中线 alarm_mm（50 毫米）马上"
        "通知，"
        "低于 critical_mm（75 毫米）按紧急报；水位百分数（level_pct）用 low_pct（30）和 critical_pct（20）两条线；缺水"
        "浮球"
        "（level_low 为 1）按紧急报。只要火还烧着（flame），缺水一律按紧急报，夜里也叫人。高于 alarm_mm 或 high_pct（"
        "70）是满水，"
        "马上通知。都要满 hold_s（15 秒）。没有烧火时正在进水、水位在往上走的，不算缺水；刚点火 swell_s（3 分钟）内水会"
        "胀起来，"
        "满水线放宽 50 毫米（15%）。局限：水位计本身堵了看不出，每天要冲洗；没有火焰读数的，不知道有没有烧火。它只提醒"
        "：安全要靠"
        "检验合格的联锁装置。",
        "缺水：立即停火，通知持证司炉人员，不许马上进水（干锅进水会爆炸）。满水：停止进水，开排污阀放到正常水位。",
        {
            "boiler_level.low_level": "水位低：离中线 {value:.0f} 毫米（报警线 {line:.0f}），已 {held_s}",
            "boiler_level.low_fill": "水位低：{value:.0f}%（报警线 {line:.0f}%），已 {held_s}",
            "boiler_level.low_level_low": "缺水浮球动作，已 {held_s}",
            "boiler_level.fire_level": "缺水还在烧火：水位离中线 {value:.0f} 毫米（报警线 {line:.0f}），已 {held_s}",
            "boiler_level.fire_fill": "缺水还在烧火：水位 {value:.0f}%（报警线 {line:.0f}%），已 {held_s}",
            "boiler_level.fire_level_low": "缺水还在烧火：浮球动作，已 {held_s}",
            "boiler_level.high_level": "水位高：离中线 {value:.0f} 毫米（报警线 {line:.0f}），已 {held_s}",
            "boiler_level.high_fill": "水位高：{value:.0f}%（报警线 {line:.0f}%），已 {held_s}",
            "boiler_level.cleared_level": "水位恢复正常，离中线 {value:.0f} 毫米",
            "boiler_level.cleared_fill": "水位恢复正常，{value:.0f}%",
            "boiler_level.cleared_level_low": "缺水浮球已复位",
            "boiler_level.is_unheard": "还没有收到水位读数",
            "boiler_level.is_calm_level": "{heard_at} 水位离中线 {value:.0f} 毫米，过 {line:.0f} 才报",
            "boiler_level.is_calm_fill": "{heard_at} 水位 {value:.0f}%，过 {line:.0f}% 才报",
            "boiler_level.is_calm_level_low": "{heard_at} 缺水浮球没有动作",
            "boiler_level.is_low_level": "{heard_at} 水位低，离中线 {value:.0f} 毫米，报警线 {line:.0f}；没烧火时正在上"
            "升的不算",
            "boiler_level.is_low_fill": "{heard_at} 水位低，{value:.0f}%，报警线 {line:.0f}%；没烧火时正在上升的不算",
            "boiler_level.is_low_level_low": "{heard_at} 缺水浮球动作",
            "boiler_level.is_high_level": "{heard_at} 水位高，离中线 {value:.0f} 毫米，报警线 {line:.0f}",
            "boiler_level.is_high_fill": "{heard_at} 水位高，{value:.0f}%，报警线 {line:.0f}%",
        },
    ),
    "en": Words(
        "Boiler water level",
        "Too little water in a boiler, or too much; each is an alert of its own. A level (level_mm, from its middle, "
        "which is 0) more than alarm_mm (50 mm) below the middle calls somebody, more than critical_mm (75 mm) is "
        "critical; a level in percent (level_pct) has the lines low_pct (30) and critical_pct (20); a float switch for "
        "low water (level_low is 1) is critical. While the fire burns (flame) low water is always critical and breaks "
        "the quiet hours. More than alarm_mm above the middle, or more than high_pct (70), is too much, and calls "
        "somebody. All count after hold_s (15 s). Without a fire, a level that rises is a boiler being filled and does "
        "not count as low; for swell_s (3 min) after lighting, when the water swells, the high line lies 50 mm (15 %) "
        "further up. Limits: a blocked gauge shows nothing, it must be blown through daily; without a reading of the "
        "flame it is not known whether a fire burns. It only watches: safety is the certified interlock's.",
        "Low: fire off at once and call the licensed boiler attendant; let no water in (a dry boiler explodes). High: "
        "stop feeding, blow down to the normal level.",
        {
            "boiler_level.low_level": "low water: {value:.0f} mm from the middle (line {line:.0f}), for {held_s}",
            "boiler_level.low_fill": "low water: {value:.0f} % (line {line:.0f} %), for {held_s}",
            "boiler_level.low_level_low": "the float switch says low water, for {held_s}",
            "boiler_level.fire_level": "low water under a fire: {value:.0f} mm from the middle (line {line:.0f}), for "
            "{held_s}",
            "boiler_level.fire_fill": "low water under a fire: {value:.0f} % (line {line:.0f} %), for {held_s}",
            "boiler_level.fire_level_low": "low water under a fire, says the float switch, for {held_s}",
            "boiler_level.high_level": "high water: {value:.0f} mm from the middle (line {line:.0f}), for {held_s}",
            "boiler_level.high_fill": "high water: {value:.0f} % (line {line:.0f} %), for {held_s}",
            "boiler_level.cleared_level": "the water is back to normal, {value:.0f} mm from the middle",
            "boiler_level.cleared_fill": "the water is back to normal, {value:.0f} %",
            "boiler_level.cleared_level_low": "the float switch is back",
            "boiler_level.is_unheard": "no reading of the level has come yet",
            "boiler_level.is_calm_level": "at {heard_at} the water stood {value:.0f} mm from the middle; beyond "
            "{line:.0f} raises",
            "boiler_level.is_calm_fill": "at {heard_at} the water stood at {value:.0f} %; beyond {line:.0f} % raises",
            "boiler_level.is_calm_level_low": "at {heard_at} the float switch said enough water",
            "boiler_level.is_low_level": "at {heard_at} the water was low, {value:.0f} mm from the middle, line "
            "{line:.0f}; without a fire, rising water does not count",
            "boiler_level.is_low_fill": "at {heard_at} the water was low, {value:.0f} %, line {line:.0f} %; without a "
            "fire, rising water does not count",
            "boiler_level.is_low_level_low": "at {heard_at} the float switch said low water",
            "boiler_level.is_high_level": "at {heard_at} the water was high, {value:.0f} mm from the middle, line "
            "{line:.0f}",
            "boiler_level.is_high_fill": "at {heard_at} the water was high, {value:.0f} %, line {line:.0f} %",
        },
    ),
}
