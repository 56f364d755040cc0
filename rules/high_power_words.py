"""What the rule on high-power appliances says, in Chinese and in English."""

from rules.rule import Words

WORDS = {
    "zh": Words(
        "大功率电器",
        "在宿舍、教室和办公室里发现电热水壶、电吹风、热得快之类的电热电器。办法是看功率的“台阶”：电热电器一插上，"
        "功率立刻升高几百瓦，而且几乎没有无功功率；空调、冰箱的压缩机有无功功率，变频空调是慢慢升上去的，都不算。"
        "读数：每个回路的有功功率（power_w），最好每 5 到 10 秒一次，并有带正负号的无功功率（reactive_power_var）；"
        "每分钟一次也能用，但短时间的使用会漏掉一部分。只有功率时，反复出现的同样大小会当作压缩机，误报和漏报都会多一"
        "些。"
        "电能表的电量最小 0.01 度，一分钟就相当于 600 瓦，不能用来推算功率。主要参数：step_w 是最小的台阶（瓦），教室和"
        "办公室没有单独的插座回路、又没有带正负号的无功功率时用 shared_step_w；hold_s 是要持续多久；strikes 是一周内第"
        "几次才通知人，第一次短时间使用只记录；"
        "超过 unattended_min 分钟、功率超过 high_w 瓦，或夜里 23:00 到 6:00 还开着，马上通知；whitelist_w 写房间里"
        "允许的电器功率，例如饮水机 \"420\"，上下 7% 以内不报。临时允许可以登记功率和起止时间，运行中就能改。"
        "计划停电恢复后 10 分钟内不判断。局限：激光打印机的加热部件、吸尘器，还有一起点亮、功率因数很高的一排灯，"
        "也可能像电热电器，请写进允许功率；"
        "半波（二极管）使用的和微波炉、电磁炉一类只作记录，请人复查；开始读数以前就已插上的看不到。",
        "到房间查看，请使用者拔下电器；按规定登记。",
        {
            "high_power.raised": "接入了约 {watts:.0f} 瓦的电热类电器，仍在使用；一周内第 {times:.0f} 次",
            "high_power.half_wave": "有约 {watts:.0f} 瓦的电器，像是经二极管降压使用的电热器；请复查",
            "high_power.other": "有约 {watts:.0f} 瓦的大功率电器，像是微波炉或电磁炉；请复查",
            "high_power.updated": "电热类电器的功率增加到约 {watts:.0f} 瓦；此前已用 {on_s}",
            "high_power.updated_long": "约 {watts:.0f} 瓦的电热类电器已用 {on_s}，约 {kwh:.1f} 度，可能无人看管",
            "high_power.updated_night": "已到夜间，约 {watts:.0f} 瓦的电热类电器仍在使用，已用 {on_s}",
            "high_power.cleared": "约 {watts:.0f} 瓦的电器已断开，前后共 {on_s}",
            "high_power.permitted": "约 {watts:.0f} 瓦的电器已登记允许使用",
            "high_power.is_unheard": "还没有收到功率读数",
            "high_power.is_calm": "现在约 {level:.0f} 瓦，没有出现过 {step_w:.0f} 瓦以上的台阶",
            "high_power.is_held": "{since_at} 起多了约 {watts:.0f} 瓦，已持续 {held_s}，满 {needed_s} 才报",
            "high_power.is_permitted": "{since_at} 起多了约 {watts:.0f} 瓦，登记允许到 {permit_until_at}，不报",
            "high_power.is_on": "{since_at} 接入的约 {watts:.0f} 瓦电器仍在使用，已用 {held_s}；一周内第 {times:.0f} "
            "次",
            "high_power.is_gone": "{since_at} 接入的约 {watts:.0f} 瓦电器已断开，共用 {held_s}，再等一会儿结束；"
            "一周内第 {times:.0f} 次",
            **{
                f"high_power.was_{verdict}": "现在约 {level:.0f} 瓦，没有 {step_w:.0f} 瓦以上的电热电器在用；"
                "最近一次台阶在 {when_at}，约 {watts:.0f} 瓦：" + told
                for verdict, told in {
                    "heater": "是电热电器，已经断开",
                    "half_wave": "像半波使用的电热器，已经断开",
                    "other": "像微波炉或电磁炉，已经断开",
                    "motor": "有无功功率，是电动机或空调，不报",
                    "glide": "升得慢，是变频电器，不报",
                    "compressor": "同样大小反复出现，当作压缩机，不报",
                    "whitelisted": "是允许的电器，不报",
                    "supply": "恢复供电不到 10 分钟，不判断",
                }.items()
            },
        },
    ),
    "en": Words(
        "High-power appliance",
        "Finds kettles, hair dryers, heaters and the like in dorm rooms, classrooms and offices. It looks for steps of "
        "power: a heater is there at once, with hundreds of watts and almost no reactive power. Compressors of fridges "
        "and air conditioners bring reactive power, inverters rise slowly; neither counts. Readings: the active power "
        "of each circuit (power_w), best every 5 to 10 seconds, and with it signed reactive power "
        "(reactive_power_var). One reading a minute will do, but misses some short runs. With power alone, a size that "
        "keeps coming back is taken for a compressor, and there are more false and missed alerts. An energy counter "
        "with steps of 0.01 kWh is no substitute: within a minute one step is 600 W. Main parameters: step_w, the "
        "least step (shared_step_w in classrooms and offices that have neither signed reactive power nor a "
        "circuit of sockets); hold_s, how long it must last; strikes, which run within a week calls somebody: a first "
        "short run is only recorded. After unattended_min minutes, above high_w, or when it is on at night from 23:00 "
        "to 6:00, somebody is called at once. whitelist_w lists what is allowed in the room, such as \"420\" for its "
        "water dispenser, within 7 %. "
        "A permit with watts and dates can be declared at any time. For 10 minutes after a planned cut nothing is "
        "judged. Limits: the heater of a laser printer, a vacuum cleaner, or many lamps with a very good power "
        "factor switched on together can look the same, put them on the whitelist; "
        "heaters on half a wave (behind a diode), microwaves and induction plates are only recorded for review; what "
        "was on before the first reading is not seen.",
        "Go to the room, have the appliance unplugged, and note it as the rules say.",
        {
            "high_power.raised": "a heating appliance of about {watts:.0f} W was switched on and is still on; "
            "run {times:.0f} within a week",
            "high_power.half_wave": "an appliance of about {watts:.0f} W, which looks like a heater behind a diode; "
            "please review",
            "high_power.other": "an appliance of about {watts:.0f} W, which looks like a microwave or an induction "
            "plate; please review",
            "high_power.updated": "the heating appliances now draw about {watts:.0f} W; the first came {on_s} ago",
            "high_power.updated_long": "the heating appliance of about {watts:.0f} W has been on for {on_s}, about "
            "{kwh:.1f} kWh; perhaps nobody is there",
            "high_power.updated_night": "it is night now, and the heating appliance of about {watts:.0f} W "
            "is still on, after {on_s}",
            "high_power.cleared": "the appliance of about {watts:.0f} W is off, after {on_s} in all",
            "high_power.permitted": "the appliance of about {watts:.0f} W is permitted now",
            "high_power.is_unheard": "no power reading has come yet",
            "high_power.is_calm": "about {level:.0f} W now; there was no step of {step_w:.0f} W or more",
            "high_power.is_held": "about {watts:.0f} W more since {since_at}, for {held_s}; it raises after {needed_s}",
            "high_power.is_permitted": "about {watts:.0f} W more since {since_at}, permitted until {permit_until_at}",
            "high_power.is_on": "the appliance of about {watts:.0f} W that came at {since_at} is on, for {held_s}; "
            "run {times:.0f} within a week",
            "high_power.is_gone": "the appliance of about {watts:.0f} W that came at {since_at} went off after "
            "{held_s}; the alert ends a while later; run {times:.0f} within a week",
            **{
                f"high_power.was_{verdict}": "about {level:.0f} W now, no heater of {step_w:.0f} W or more is on; "
                "the last step came at {when_at}, about {watts:.0f} W: " + told
                for verdict, told in {
                    "heater": "a heater, which is off again",
                    "half_wave": "perhaps a heater on half a wave, which is off again",
                    "other": "perhaps a microwave or an induction plate, which is off again",
                    "motor": "it has reactive power, a motor or an air conditioner",
                    "glide": "it rose slowly, an inverter",
                    "compressor": "this size keeps coming back, as a compressor does",
                    "whitelisted": "an appliance that is allowed",
                    "supply": "power had been back for less than 10 minutes",
                }.items()
            },
        },
    ),
}
