module tiercel/test/fastjson

go 1.22

require github.com/valyala/fastjson v1.6.4
