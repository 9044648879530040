-- Posts the lines of a file made beforehand: "<value of the header> <body>". Each line goes once, so
-- that every request is unique; where the file is to be repeated, that is asked for.
-- Arguments: file, name of the header ("-" for none), "once" or "again".
local lines, count, at = {}, 0, 0
local header, again

function init(arguments)
   header, again = arguments[2], arguments[3] == "again"
   for line in io.lines(arguments[1]) do
      count = count + 1
      lines[count] = line
   end
end

function request()
   at = at + 1
   if at > count then
      if not again then wrk.thread:stop() end
      at = 1
   end
   local value, body = lines[at]:match("^(%S+) (.*)$")
   local headers = { ["Content-Type"] = "application/json" }
   if header ~= "-" then headers[header] = value end
   return wrk.format("POST", nil, headers, body)
end

function done(summary, latency, requests)
   io.write(string.format(
      '{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "errors": %d, "refused": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
      latency:percentile(99) / 1000, latency.max / 1000,
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
      summary.errors.status))
end
