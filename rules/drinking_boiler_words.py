"""What the rule for drinking-water boilers says, in each language."""

from collections.abc import Mapping

from rules.rule import Words

WORDS: Mapping[str, Words] = {
    "zh": Words(
        "开水器干烧或忘关",
        "看开水器的两件事。干烧：在加热，但水位不够（level_low 为 1，或 level_pct 低于 low_pct），或者温度超过沸点 "
        "over_k（5 度）以上，持续 dry_s 秒，按紧急报，夜里也叫人。忘关：夜里熄灯后、周末和假期，楼里没人用水，开水"
        "器还在加热，超过 hold_min 分钟写进当天汇总；刚放学的 grace_min 分钟不算。烧开水是它的本职，到 100 度不算超"
        "温。读数：功率（power_w）或开关（on、flame），可加温度、水位。位置类型是 drinking_boiler。局限：没有水位和"
        "温度读数的看不到干烧；温度要两个读数才算；传感器没有消息不算恢复。",
        "干烧：立即断电，不要马上加冷水，冷却后再检查进水。忘关：关掉电源，或装定时开关。",
        {
            "drinking_boiler.dry": "正在干烧：缺水还在加热，已 {held_s}",
            "drinking_boiler.too_hot": "可能干烧：温度 {celsius:.0f} 度，比开水还热，已 {held_s}",
            "drinking_boiler.cleared": "已不再干烧",
            "drinking_boiler.cleared_warm": "已不再干烧，温度 {celsius:.0f} 度",
            "drinking_boiler.left_on": "没人的时候还在加热，已 {on_s}",
            "drinking_boiler.left_on_cleared": "已不再加热；没人的时候共加热 {on_s}",
            "drinking_boiler.is_unheard": "还没有收到读数",
            "drinking_boiler.heats": "{heard_at} 在加热，水位不清楚",
            "drinking_boiler.heats_water": "{heard_at} 在加热，水位正常",
            "drinking_boiler.rests": "{heard_at} 没有加热",
            "drinking_boiler.is_warm": "{heard_at} 温度 {celsius:.0f} 度，没有超过沸点",
            "drinking_boiler.is_dry": "{heard_at} 缺水还在加热，或温度高过沸点",
            "drinking_boiler.is_open": "{until_at} 之前有人使用，不看",
            "drinking_boiler.is_off": "从 {since_at} 起没人用，没有在加热",
            "drinking_boiler.is_on": "没人用，从 {since_at} 起还在加热，最近一次 {last_at}",
        },
    ),
    "en": Words(
        "Drinking-water boiler dry or left on",
        "Two things about drinking-water boilers. Dry: it heats while the water is low (level_low is 1, or "
        "level_pct is below low_pct), or it shows more than boiling by over_k (5 K), for dry_s seconds: critical, "
        "and breaks the quiet hours. Left on: it heats when its building is closed or asleep, at night, on "
        "weekends and holidays, for more than hold_min minutes: a line in the day's summary; the first grace_min "
        "minutes after closing do not count. To boil is its work, so 100 °C is not too hot. Readings: power "
        "(power_w) or a state (on, flame), and where there are temperature and level. Its kind of place is "
        "drinking_boiler. Limits: without level and temperature dry heating is not seen; a temperature "
        "counts from its second reading; a sensor that falls silent ends no alert.",
        "Dry: cut its power at once, add no cold water, look at the inlet when it is cool. Left on: switch it off, "
        "or give it a timer.",
        {
            "drinking_boiler.dry": "it heats without enough water, for {held_s}",
            "drinking_boiler.too_hot": "it may have boiled dry: {celsius:.0f} °C is hotter than boiling water, for "
            "{held_s}",
            "drinking_boiler.cleared": "it no longer heats dry",
            "drinking_boiler.cleared_warm": "it no longer heats dry; {celsius:.0f} °C",
            "drinking_boiler.left_on": "it heats while nobody is there, for {on_s}",
            "drinking_boiler.left_on_cleared": "it no longer heats; it did for {on_s} while nobody was there",
            "drinking_boiler.is_unheard": "no reading has come yet",
            "drinking_boiler.heats": "at {heard_at} it was heating; how much water it has is not known",
            "drinking_boiler.heats_water": "at {heard_at} it was heating, with enough water",
            "drinking_boiler.rests": "at {heard_at} it was not heating",
            "drinking_boiler.is_warm": "at {heard_at} it was {celsius:.0f} °C, not hotter than boiling water",
            "drinking_boiler.is_dry": "at {heard_at} it was heating without enough water, or hotter than boiling",
            "drinking_boiler.is_open": "in use until {until_at}: not looked at",
            "drinking_boiler.is_off": "nobody is there since {since_at}, and it does not heat",
            "drinking_boiler.is_on": "nobody is there, and it heats since {since_at}, last at {last_at}",
        },
    ),
}
