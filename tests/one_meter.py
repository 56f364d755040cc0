"""The configuration of a washroom with one water meter, for the commands around the rules."""

CONFIG = """
[site]
id = "s"
timezone = "Asia/Shanghai"
[[building]]
id = "t"
kind = "teaching"
washrooms = ["1F-wash"]
[[source]]
name = "bus"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[source.topic]]
filter = "campus/{building}/{room}/water"
payload = "json"
fields = { F = "flow_lpm" }
every_s = 60
"""
