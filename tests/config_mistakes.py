"""Wrong and doubtful configurations, each with all that is to be said of it: `:line: key: ` and a pattern."""

import re

SITE = '[site]\nid = "s"\n'
HOUSES = '[[building]]\nid = "d"\nkind = "dormitory"\nrooms = ["101-103"]\n'  # lines 3 to 6
BROKER = '[[source]]\nname = "m"\nkind = "mqtt"\nurl = "mqtt://h"\n'  # lines 7 to 10
BUS = '[[source]]\nname = "b"\nkind = "serial"\nport = "/dev/x"\n'
NUMBER = '[[source.topic]]\nfilter = "{0}/{{building}}/{{room}}"\npayload = "number"\nquantity = "power_w"\n'


def meter(address: str, place: str, **more: object) -> str:
    rows = {"model": "dlt645-single-phase", "address": address, "place": place} | more
    return "[[source.device]]\n" + "".join(f"{key} = {value!r}\n" for key, value in rows.items())


def topic(*rows: str) -> str:
    return SITE + HOUSES + BROKER + "[[source.topic]]\n" + "\n".join(rows)


CASES = {  # text of the file -> what is said of it, all of it
    "syntax": ("[site]\nid = \n", [":2: TOML: not valid TOML"]),
    "syntax at the end": ('[site]\nid = "s', [":2: TOML: not valid TOML"]),
    **{
        f"wide {wide}": (SITE + row, [f":3: TOML: not valid TOML: .*; {wide} in this line: use straight half-width"])
        for wide, row in {
            "“ ”": "name = “学校”", "‘ ’": "name = ‘学校’", "”": 'name = "学校”\nlanguage = "zh"',
            "＝": 'name ＝ "学校"',
            "，": 'rooms = ["101"，"102"]',
        }.items()
    },
    "wide in a string alone": (SITE + 'name = "“一”，二" x # ，', [":3: TOML: not valid TOML: [^;]*$"]),
    "a table twice": (SITE + "[panel]\n[site]\n", [r":4: TOML: \[site\] is there twice, allowed: once"]),
    "a table in a table twice": ("[site.a]\n[site.a]\n", [r":2: TOML: \[site\.a\] is there twice"]),
    "no site": ("", [":1: site: this key is needed here"]),
    "site as a list": ('[[site]]\nid = "s"', [":1: site: must be a table, found a list"]),
    "building as a table": (SITE + '[building]\nid = "d"', [":3: building: must be a list of tables"]),
    "unknown section": (
        SITE + '[[bulding]]\nid = "d"',
        [':3: bulding: unknown key "bulding", allowed: .*mean "building"'],
    ),
    "missing id": ('[site]\nname = "x"', [":1: site.id: this key is needed here"]),
    "infinite": (SITE + "grace_s = inf", [":3: site.grace_s: must be a finite number"]),
    "negative": (SITE + "grace_s = -1", [":3: site.grace_s: too small, allowed: at least 0"]),
    "zero": (SITE + "[store]\ncommit_s = 0", [":4: store.commit_s: too small, allowed: more than 0"]),
    "large": (SITE + "latitude = 139.9", [":3: site.latitude: too large, allowed: at most 90"]),
    "no area": (SITE + HOUSES + "area_m2 = 0", [":7: building.area_m2: too small, allowed: more than 0"]),
    "no beds": (SITE + HOUSES + "beds = -1", [":7: building.beds: too small, allowed: at least 0"]),
    "bad id": ('[site]\nid = "no 1"', [':2: site.id: "no 1" cannot be an id']),
    "open panel": (SITE + '[panel]\nlisten = "0.0.0.0:8080"', [r":4: panel.listen: listening on 0\.0\.0\.0:8080"]),
    "bad listen": (SITE + '[panel]\nlisten = "8080"', [':4: panel.listen: "8080" is not an address']),
    "no hash": (SITE + '[panel]\npassword_file = "secret.txt"', [":4: panel.password_file: .* password hash"]),
    "term": (SITE + '[[term]]\nname = "x"\nfrom = 2026-09-01\nto = 2026-01-01', [":3: term: ends on 2026-01-01"]),
    "term in text": (
        SITE + '[[term]]\nname = "x"\nfrom = "2026-09-01"\nto = 2027-01-01',
        [":5: term.from: must be a date"],
    ),
    "span": (
        SITE + '[hours]\nday = "6-22"\nlights_out = "25:00"',
        [':4: hours.day: "6-22"', ':5: hours.lights_out: "25:00"'],
    ),
    "closed days": (SITE + '[hours]\nclosed_days = [2026-10-01,\n"x"]', [":5: hours.closed_days: not closed days"]),
    "building twice": (SITE + HOUSES + HOUSES, [':8: building.id: building "d" is already declared in line 4']),
    "rooms overlap": (
        SITE + '[[building]]\nid = "d"\nkind = "dormitory"\nrooms = ["101-110"]\nwashrooms = ["105-108"]',
        [':7: building.washrooms: room "d/105" is already declared in line 6'],
    ),
    "floors": (SITE + HOUSES.replace("103", "203"), [':6: building.rooms: "101-203" is not a range of rooms']),
    "rooms in doubt": (
        SITE + HOUSES.replace("103", "10") + '[[rule]]\nkind = "silent"\nwhere.building = "d"\nexcept = ["d/102"]',
        [':6: building.rooms: "101-10" is not'],
    ),
    "house in doubt": (
        SITE + HOUSES.replace('"d"', "5") + '[[room]]\nid = "5/1"\n[[rule]]\nkind = "silent"\nexcept = "5/101"',
        [":4: building.id: must be text in quotes, found a whole number"],
    ),
    "one wrong key hides no other": (
        topic('filter = "c/x{place}"', 'payload = "jsn"', 'fields = {a = "powr_w"}', "every_s = 0", 'where.kind="lb"'),
        [":12: source.topic.filter", ":13: source.topic.payload: .*json", ":14: source.topic.fields.a: .*power_w",
         ":15: source.topic.every_s: too small", ":16: source.topic.where.kind: .*lab"],
    ),
    "room of no building": (SITE + HOUSES + '[[room]]\nid = "e/1"', [':8: room.id: unknown building "e", allowed: d']),
    "room id": (SITE + HOUSES + '[[room]]\nid = "101"', [':8: room.id: "101" does not name a room']),
    **{
        f"time zone {zone}": (
            SITE + f'timezone = "{zone}"',
            [f':3: site.timezone: unknown time zone "{re.escape(zone)}", .*; write: "Asia/Shanghai"$'],
        ) for zone in ("Beijing", "Asia/Beijing", "北京时间", "UTC+8", "GMT+08:00")
    },
    "a time zone like no other": (SITE + 'timezone = "Bejing"', [':3: site.timezone: [^?]*…$']),
    "unit in a quantity": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "power_kw"'),
        [':14: source.topic.quantity: unknown quantity "power_kw", .*; write: quantity = "power_w", unit = "kW"$'],
    ),
    "unit in the quantity of a field": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { P = "flow_m3h", E = { quantity = "energy_MWh" } }'),
        [
            ':14: source.topic.fields.P: .*; write: { quantity = "flow_lpm", unit = "m3/h" }$',
            ':14: source.topic.fields.E.quantity: .*; write: { quantity = "energy_kwh", unit = "MWh" }$',
        ],
    ),
    **{
        f"port {port}": (
            SITE + HOUSES + BUS.replace("/dev/x", port), [":10: source.port: not the port of a line, allowed: a path"],
        )
        for port in ("", "tcp://192.168.1.50", "tcp://h:99999", "http://h:80", "modbus-tcp://")
    },
    "secret in a port": (
        SITE + HOUSES + BUS.replace("/dev/x", "tcp://u:hush@h:1"),
        [":10: source.port: user and password do not belong"],
    ),
    "modbus-tcp with another protocol": (
        SITE + HOUSES + BUS.replace("/dev/x", "modbus-tcp://h") + meter("000000000001", "d/101"),
        [":12: source.device.model: a server of modbus-tcp speaks Modbus alone, and dlt645-single-phase speaks DL/T"],
    ),
    "listening to modbus-tcp": (
        SITE + HOUSES + BUS.replace("/dev/x", "modbus-tcp://h") + "listen = true",
        [":11: source.listen: a server of modbus-tcp tells nobody what others ask"],
    ),
    "source kind": (SITE + '[[source]]\nname = "x"\nkind = "serail"', [':5: source.kind: .*mean "serial"']),
    "source without kind": (SITE + '[[source]]\nname = "x"', [":3: source.kind: this key is needed here"]),
    "sources twice": (SITE + BROKER + BROKER, [':8: source.name: source "m" is already declared in line 4']),
    "secret in url": (SITE + BROKER.replace("//h", "//u:hush@h"), [":6: source.url: user and password do not belong"]),
    "password in file": (SITE + BROKER + 'password = "hush"', [':7: source.password: .*mean "password_file"']),
    "no secret file": (
        SITE + BROKER + 'username = "u"\npassword_file = "none"', [':8: source.password_file: no such file "none"'],
    ),
    "secret is a folder": (
        SITE + BROKER + 'username = "u"\npassword_file = "."', [r':8: source.password_file: cannot read "\."'],
    ),
    "empty secret": (
        SITE + BROKER + 'username = "u"\npassword_file = "empty.txt"', [":8: source.password_file: .* is empty"],
    ),
    "no username": (
        SITE + BROKER + 'password_file = "secret.txt"',
        [":7: source.password_file: a password needs a user"],
    ),
    "no certificate": (SITE + BROKER + 'ca_file = "ca.pem"', [':7: source.ca_file: no such file "ca.pem"']),
    "no certificates": (
        SITE + BROKER + 'ca_file = "secret.txt"',
        [':7: source.ca_file: "secret.txt" does not hold certificates, allowed: PEM'],
    ),
    "certificates are a folder": (SITE + BROKER + 'ca_file = "."', [r':7: source.ca_file: .*"\."']),
    "part below a part": (
        topic('filter = "c/{building}"', 'payload = "number"', 'quantity = "on"', 'part = "a/b"'),
        [':15: source.topic.part: "a/b" cannot be an id'],
    ),
    "part of a quantity": (
        topic('filter = "{place}"', 'payload = "json"', 'fields.b = "on"',
              'fields.a = {quantity = "on", part = "power_w"}'),
        [':15: source.topic.fields.a.part: "power_w" is a quantity, a part is'],
    ),
    "part is a room": (
        topic('filter = "c"', 'payload = "number"', 'quantity = "on"', 'place = "d"', 'part = "102"'),
        [r':16: source.topic.part: "102" is a room of this building, allowed: place = "d/102", \{building\}/'],
    ),
    "part is a room of one building": (
        topic('filter = "c/{building}"', 'payload = "json"', 'fields.a = { quantity = "on", part = "103" }',
              'fields.b = { quantity = "power_w", part = "101" }', 'fields.c = { quantity = "on", part = "lamps" }'),
        [':14: source.topic.fields.a.part: "103" is a room', ':15: source.topic.fields.b.part: "101" is a room'],
    ),
    "part of a device is a room": (
        topic('filter = "c/{device}"', 'payload = "number"', 'quantity = "on"', 'devices = { x = "d/101", y = "d" }',
              'part = "102"'),
        [':16: source.topic.part: "102" is a room'],
    ),
    "part of a meter is a room": (
        SITE + HOUSES + BUS + meter("000000000001", "d", part="101") + meter("000000000002", "d/102", part="101"),
        [':15: source.device.part: "101" is a room'],
    ),
    "no placeholder": (
        topic('filter = "c/meter"', 'payload = "number"', 'quantity = "on"'),
        [":12: source.topic.filter: the filter has no placeholder"],
    ),
    "room alone": (
        topic('filter = "c/{room}"', 'payload = "number"', 'quantity = "on"'),
        [r":12: source.topic.filter: placeholders that do not go together: \{room\}"],
    ),
    "part of a level": (
        topic('filter = "c/x{building}/{room}"', 'payload = "number"', 'quantity = "on"'),
        [":12: source.topic.filter: .* is not a topic filter"],
    ),
    "line break in a topic": (
        topic(r'filter = "c/a\n[[rule]]"', 'payload = "number"', 'quantity = "on"', 'place = "d/101"'),
        [":12: source.topic.filter: .* is not a topic filter"],
    ),
    "control character in a topic": (
        topic(r'filter = "c\u0085/a"', 'payload = "number"', 'quantity = "on"', 'place = "d/101"'),
        [":12: source.topic.filter: .* is not a topic filter"],
    ),
    "place and placeholder": (
        topic('filter = "c/{place}"', 'payload = "number"', 'quantity = "on"', 'place = "d/101"'),
        [":15: source.topic.place: the filter has a placeholder"],
    ),
    "unknown place": (
        topic('filter = "c"', 'payload = "number"', 'quantity = "on"', 'place = "d/104"'),
        [':15: source.topic.place: unknown place "d/104", [^?]*$'],
    ),
    "devices missing": (
        topic('filter = "c/{device}"', 'payload = "number"', 'quantity = "on"'),
        [":12: source.topic.filter: the filter has {device}"],
    ),
    "device nowhere": (
        topic('filter = "c/{device}"', 'payload = "number"', 'quantity = "on"', 'devices = { a = "e/101" }'),
        [':15: source.topic.devices.a: unknown place "e/101", allowed: d/101; did you mean "d/101"'],
    ),
    "devices and where unused": (
        topic('filter = "c"', 'payload = "state"', 'quantity = "on"', 'place = "d"', 'devices.a = "d"', "where = {}"),
        [":16: source.topic.devices: the filter has no {device}", ":17: source.topic.where: where narrows"],
    ),
    "no fields": (
        topic('filter = "{place}"', 'payload = "json"'),
        [":13: source.topic.payload: payload json needs fields"],
    ),
    "json and quantity": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on" }', 'quantity = "on"'),
        [":15: source.topic.quantity: payload json says this in fields"],
    ),
    "number and fields": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "on"', 'fields = { a = "on" }'),
        [":15: source.topic.fields: this key goes with .* fields, allowed: json"],
    ),
    "no quantity": (
        topic('filter = "{place}"', 'payload = "number"'),
        [":11: source.topic.quantity: this key is needed"],
    ),
    "no state": (
        topic('filter = "{place}"', 'payload = "state"', 'quantity = "power_w"'),
        [':14: source.topic.quantity: "power_w" is not a state, .*: occupied, door_open'],
    ),
    "no unit": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "occupied"', 'unit = "W"'),
        [':15: source.topic.unit: unknown unit "W", allowed: –'],
    ),
    "two periods": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "on"', "every_s = 1", "heartbeat_s = 9"),
        [":16: source.topic.heartbeat_s: every_s and heartbeat_s exclude each other"],
    ),
    "time without zone": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on" }', 'time = {path = "t", format = "%H"}'),
        [":15: source.topic.time: a wall clock needs its zone"],
    ),
    "time format": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on" }', 'time = { path = "t", format = "x" }'),
        [':15: source.topic.time.format: "x" is not a time format'],
    ),
    "part twice": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on", b = "on" }'),
        [r":11: source.topic: point d/101/on is already measured in line 11 \(3 in all\)"],
    ),
    "patterns meet": (
        SITE + HOUSES + BROKER + NUMBER.format("a") + NUMBER.format("b"),
        [r":15: source.topic: point d/101/power_w is already measured in line 11 \(3 in all\)"],
    ),
    "two sources": (
        SITE + HOUSES + BROKER + NUMBER.format("a") + BROKER.replace('"m"', '"n"') + NUMBER.format("b"),
        [r':19: source.topic: point d/101/power_w already comes from source "m", line 11 \(3 in all\)'],
    ),
    "meters meet": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101") + meter("000000000002", "d/101"),
        [r":15: source.device: point d/101/\w+ is already measured in line 11"],
    ),
    "one address twice": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101") + meter("000000000001", "d/102"),
        [":17: source.device.address: address 000000000001 is already on this bus, line 13"],
    ),
    "one port twice": (
        SITE + HOUSES + BUS + BUS.replace('"b"', '"c"'), [":14: source.port: .* belongs to the source in line 10"],
    ),
    "model": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101", model="dlt645-singel"),
        [':12: source.device.model: unknown meter model .*mean "dlt645-single-phase"'],
    ),
    "model by its standard alone": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101", model="DLT645"),
        [':12: source.device.model: unknown meter model "DLT645", allowed: [^?]*dlt645-single-phase, [^?]*$'],
    ),
    "short address": (
        SITE + HOUSES + BUS + meter("12345", "d/101"),
        [':13: source.device.address: "12345" is not the address of a meter'],
    ),
    "line": (SITE + BUS + 'line = "2400 8X1"', [':7: source.line: "2400 8X1" is not a line setting']),
    "a source called as people are": (
        SITE + BROKER.replace('"m"', '"people"'), [':4: source.name: "people" cannot name a source'],
    ),
    "rule kind": (SITE + '[[rule]]\nkind = "highpower"', [':4: rule.kind: .*mean "high_power"']),
    "parameter": (
        SITE + '[[rule]]\nkind = "high_power"\nstep = 3',
        [':5: rule.step: unknown key or parameter.*"step_w"'],
    ),
    "bounds": (
        SITE + '[[rule]]\nkind = "high_power"\nstep_w = 3',
        [":5: rule.step_w: 3 is out of range, allowed: 30 to"],
    ),
    "where": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nwhere = { kind = "dormroom", building = "dd", place = ["d/1"] }',
        [
            ":9: rule.where.kind: .*dorm_room",
            ":9: rule.where.building: .*mean \"d\"",
            ":9: rule.where.place: unknown place",
        ],
    ),
    "except": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nexcept = ["d/101", "d/109"]',
        [':9: rule.except: unknown place "d/109"'],
    ),
    "no endpoint file": (SITE + '[[notify]]\nurl_file = "no.url"', [':4: notify.url_file: no such file "no.url"']),
    "endpoint in file": (
        SITE + '[[notify]]\nurl_file = "json://hush"',
        [":4: notify.url_file: an address does not belong"],
    ),
    "no endpoint": (
        SITE + '[[notify]]\nurl_file = "secret.txt"',
        [':4: notify.url_file: "secret.txt" holds no address that can be used, allowed: an apprise address such as'],
    ),
    "unusable endpoint": (
        SITE + '[[notify]]\nurl_file = "weixin.url"',
        [':4: notify.url_file: "weixin.url" holds no address that can be used, allowed: an apprise address such as'],
    ),
    "severity": (
        SITE + '[[notify]]\nurl_file = "good.url"\nseverities = ["majr"]', [':5: notify.severities: .*mean "major"'],
    ),
    "no severity": (
        SITE + '[[notify]]\nurl_file = "good.url"\nseverities = []',
        [":5: notify.severities: must not be empty"],
    ),
}  # fmt: skip

METER = '[[source.topic]]\nfilter = "c/{building}/{room}"\npayload = "number"\nquantity = "power_w"\n'
WARNINGS = {
    "quiet": (SITE + HOUSES + BROKER + METER, []),
    "where empty": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nwhere = { kind = "gate" }',
        [":9: rule.where: warning: .*no place"],
    ),
    "where empty and off": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nenabled = false\nwhere = { kind = "gate" }',
        [":10: rule.where: warning: "],
    ),
    "where idle": (
        SITE + HOUSES + BROKER + METER + '[[rule]]\nkind = "running_water"\nwhere = { building = "d" }',
        [r":17: rule.where: warning: no place that where matches measures .*\(4 places\)"],
    ),
    "topic of nothing": (
        SITE + HOUSES + BROKER + METER + 'where = { kind = "gate" }',
        [":12: source.topic.filter: warning: no place fits"],
    ),
    "too slow": (
        SITE + HOUSES + BROKER + METER + "every_s = 900",
        [":15: source.topic.every_s: warning: a reading every 900 s is too slow for .*high_power \\(\\d+ s\\)"],
    ),
    "on change is not slow": (SITE + HOUSES + BROKER + METER + "heartbeat_s = 3600", []),
    "line of a device behind a server": (
        SITE + HOUSES + BUS.replace("/dev/x", "tcp://192.168.1.50:8899") + meter("000000000001", "d/101")
        + meter("000000000002", "d/102", line="9600 8N1"),
        [":19: source.device.line: warning: the settings of this line cannot change .* spoken to at 2400 8E1"],
    ),
    "line of a device that is listened to": (
        SITE + HOUSES + BUS + "listen = true\n" + meter("000000000001", "d/101", line="9600 8N1", every_s=1),
        [":16: source.device.line: warning: the settings of this line cannot change"],
    ),
    "bus too slow": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101", every_s=1),
        [
            r":11: source.device: warning: all meters of this bus take about 1\.\d s a round, so every_s = 1 cannot",
        ],
    ),
    **{
        f"part {wrong}": (
            SITE + HOUSES + BROKER + METER + f'part = "{wrong}"',
            [f':15: source.topic.part: warning: no rule knows a part "{wrong}"; known: .*; write: {right}$'],
        )
        for wrong, right in {
            "lights": "lighting", "照明": "lighting", "ligthing": "lighting", "exit-lights": "emergency",
            "socket": "sockets", "空调": "ac", "aircon": "ac", "water_heater": "hot_water",
        }.items()
    },
    "make-up day in the holidays": (
        SITE + '[[term]]\nname = "x"\nfrom = 2026-09-01\nto = 2026-12-31\n'
        '[[makeup]]\nday = 2026-08-01\nfollows = "monday"\n[[makeup]]\nday = 2026-10-17\nfollows = "monday"\n',
        [r":8: makeup.day: warning: 2026-08-01 lies in no \[\[term\]\]"],
    ),
    "parts of their own": (
        SITE + HOUSES + BROKER + METER + 'part = "kitchen"\n' + METER + 'part = "lighting"\n'
        + '[[source.topic]]\nfilter = "w/{building}/{room}"\npayload = "number"\nquantity = "flow_lpm"\n'
        + 'part = "water_heater"\n',
        [],
    ),
    "part of a meter": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101", part="lamps"),
        [':15: source.device.part: warning: no rule knows a part "lamps"'],
    ),
    "open secret": (
        SITE + '[[notify]]\nurl_file = "open.url"',
        [':4: notify.url_file: warning: "open.url" can be read by everybody'],
    ),
}  # fmt: skip
