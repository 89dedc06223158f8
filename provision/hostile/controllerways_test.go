package hostile_test

import (
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// controllerWays are what controllers, and what stands between, may do.
func controllerWays() []controllerWay {
	ways := append(rawWays(), httpWays()...)
	return append(append(ways, loginWays()...), treeWays()...)
}

// rawWays misbehave below HTTP.
func rawWays() []controllerWay {
	raw := func(name, says string, do func(*controller, net.Conn)) controllerWay {
		return controllerWay{name: name, raw: do, says: says}
	}
	const nobody = "bmc does not answer|" + address
	return []controllerWay{
		raw("silent before TLS", nobody, func(c *controller, _ net.Conn) { <-c.done }),
		raw("hangs up before TLS", nobody, func(*controller, net.Conn) {}),
		raw("random bytes for TLS", nobody, func(_ *controller, conn net.Conn) { _, _ = io.Copy(conn, rand.Reader) }),
		raw("plain HTTP for TLS", nobody, func(_ *controller, conn net.Conn) { flood(conn, "HTTP/1.1 200 OK\r\n\r\n"+paint) }),
		raw("TLS byte by byte", nobody, func(c *controller, conn net.Conn) { c.drip(conn, "\x16\x03\x03\x40\x00") }),
		raw("TLS alerts without end", nobody, func(_ *controller, conn net.Conn) { flood(conn, "\x15\x03\x03\x00\x02\x01\x5a") }),
		raw("a TLS record that never ends", nobody, func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, "\x16\x03\x03\x40\x00\x02\xff\xff\xff")
			flood(conn, "\x00")
		}),
	}
}

// httpWays misbehave in the very first answer.
func httpWays() []controllerWay {
	conn := func(name string, do func(*controller, net.Conn)) controllerWay {
		return controllerWay{name: name, phase: greeting, says: "read service root of " + address, do: func(c *controller, w http.ResponseWriter, _ *http.Request) {
			raw, end := taken(w) // the header is written by hand
			defer end()
			do(c, raw)
		}}
	}
	body := func(name, says, text string) controllerWay {
		return controllerWay{name: name, phase: greeting, says: says, do: func(_ *controller, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }}
	}
	const header = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	return []controllerWay{
		conn("silent", func(c *controller, _ net.Conn) { <-c.done }),
		conn("hangs up", func(*controller, net.Conn) {}),
		conn("no HTTP", func(_ *controller, conn net.Conn) { _, _ = io.WriteString(conn, paint+"\r\n\r\n") }),
		conn("header byte by byte", func(c *controller, conn net.Conn) { c.drip(conn, header) }),
		conn("header without end", func(_ *controller, conn net.Conn) { flood(io.MultiWriter(conn), "HTTP/1.1 200 OK\r\nX-A: b\r\n") }),
		exceeds(conn("one header line without end", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"X-A: ")
			flood(conn, "b")
		})),
		conn("answers of 100 without end", func(_ *controller, conn net.Conn) { flood(conn, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n") }),
		conn("body byte by byte", func(c *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"Content-Length: 100000\r\n\r\n{\"a\":\"")
			c.drip(conn, "x")
		}),
		conn("body without end", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"\r\n{\"a\":\"")
			flood(conn, "x")
		}),
		conn("chunks without end", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"Transfer-Encoding: chunked\r\n\r\n")
			flood(conn, "1\r\n \r\n")
		}),
		conn("an extension of a chunk without end", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"Transfer-Encoding: chunked\r\n\r\n1;")
			flood(conn, "x")
		}),
		conn("trailers without end", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\n{}\r\n0\r\n")
			flood(conn, "A: b\r\n")
		}),
		conn("shorter than it says", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"Content-Length: 100\r\n\r\n{}")
		}),
		conn("two lengths", func(_ *controller, conn net.Conn) {
			_, _ = io.WriteString(conn, header+"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
		}),
		body("no JSON", "", paint+"<html>"),
		body("deep JSON", "json nests deeper than 64", strings.Repeat(`{"a":[`, 200_000)+strings.Repeat("]}", 200_000)),
		body("a list for the root", "", "[]"),
		body("null for the root", "", "null"),
		body("two documents", "", `{"a":1}{"b":2}`),
		body("huge numbers", "", `{"Id":1e999999999,"Links":{"Sessions":{"@odata.id":1e308}}}`),
		{name: "a compressed bomb", phase: greeting, says: "", do: func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 64<<20))
			_ = z.Close()
		}},
		{name: "a redirect off the controller", phase: greeting, says: "leads off the controller", do: func(_ *controller, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://198.51.100.66/redfish/v1", http.StatusTemporaryRedirect)
		}},
		{name: "a redirect to plain HTTP", phase: greeting, says: "leads off the controller", do: func(_ *controller, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/redfish/v1", http.StatusPermanentRedirect)
		}},
		{name: "redirects without end", phase: greeting, says: "redirect: more than 3", do: func(_ *controller, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/redfish/v1/", http.StatusFound)
		}},
	}
}

// exceeds is a way that is ended by its size, and not by the time that it takes.
func exceeds(way controllerWay) controllerWay {
	way.says += "|headers exceeded"
	return way
}

// loginWays misbehave when the password has come.
func loginWays() []controllerWay {
	at := func(name, says string, do func(*controller, http.ResponseWriter, *http.Request)) controllerWay {
		return controllerWay{name: name, phase: login, says: says, do: do}
	}
	status := func(code int, body string) func(*controller, http.ResponseWriter, *http.Request) {
		return func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	message := func(text string) string {
		return fmt.Sprintf(`{"error":{"code":"x","message":%q,"@Message.ExtendedInfo":[{"MessageId":"Base.1.0.AccessDenied","Message":%q,"MessageArgs":[%q]}]}}`, text, text, text)
	}
	return []controllerWay{
		at("login refused", "refused with status 401|tried once", status(401, message(paint+password))),
		at("login refused, at length", "", status(400, message(strings.Repeat(password+paint, 20_000)))),
		at("login fails", "log in to "+address, status(500, message(password))),
		at("login is busy for ever", "log in to "+address, func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999999999999999")
			w.WriteHeader(503)
		}),
		at("login never answered", "log in to "+address, func(c *controller, _ http.ResponseWriter, r *http.Request) { c.hang(r) }),
		at("a session without a token", "without a token", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/1")
			w.WriteHeader(201)
		}),
		at("a token of a megabyte", "", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Auth-Token", strings.Repeat("t", 1<<20))
			w.WriteHeader(201)
		}),
		at("a session elsewhere", "", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Auth-Token", "token")
			w.Header().Set("Location", "https://198.51.100.66/redfish/v1/SessionService/Sessions/1")
			w.WriteHeader(201)
		}),
		at("the password is asked for elsewhere", "", func(_ *controller, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://198.51.100.66/", http.StatusTemporaryRedirect)
		}),
		at("a session without end", "log in to "+address, func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Auth-Token", "token")
			w.WriteHeader(201)
			flood(w, `{"Id":"`)
		}),
		{name: "logout never answered", phase: logout, says: "log out of", do: func(c *controller, _ http.ResponseWriter, r *http.Request) { c.hang(r) }},
		{name: "logout fails", phase: logout, says: "log out of", do: status(500, message(paint))},
	}
}

// treeWays misbehave once somebody is logged in.
func treeWays() []controllerWay {
	doc := func(name, says, text string) controllerWay {
		return controllerWay{name: name, phase: logged, says: says, do: func(_ *controller, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }}
	}
	members := func(n int, to func(int) string) string {
		var b strings.Builder
		b.WriteString(`{"Members":[`)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"@odata.id":%q}`, to(i))
		}
		return b.String() + `]}`
	}
	everywhere := `{"@odata.id":"/redfish/v1/Managers","Members":[{"@odata.id":"/redfish/v1/Managers"}],"EthernetInterfaces":{"@odata.id":"/redfish/v1/Managers"},"NetworkProtocol":{"@odata.id":"/redfish/v1/Managers"},"Links":{"ManagerForServers":[{"@odata.id":"/redfish/v1/Managers"}],"Drives":[{"@odata.id":"/redfish/v1/Managers"}]},"Accounts":{"@odata.id":"/redfish/v1/Managers"}}`
	ways := []controllerWay{
		doc("links in a circle", "read ", everywhere),
		doc("wrong types", "read ", `{"Members":{"a":1},"EthernetInterfaces":[1],"Links":"x","Boot":7,"Id":{},"UserName":[],"IPv4StaticAddresses":"x","NTP":[[]]}`),
		doc("links off the controller", "", `{"Members":[{"@odata.id":"https://198.51.100.66/x"},{"@odata.id":"//198.51.100.66/x"}],"EthernetInterfaces":{"@odata.id":"https://198.51.100.66/x"}}`),
		doc("deep JSON below", "nests deeper", strings.Repeat(`[`, 100_000)),
		doc("a member flood", "", members(80_000, func(i int) string { return fmt.Sprintf("/redfish/v1/Managers/%d", i) })),
		doc("five megabytes", "longer than 4 MiB", `{"a":"`+strings.Repeat("x", 5<<20)+`"}`),
		doc("half an object", "", `{"Members":[`),
		doc("text that paints", "", `{"Members":[{"@odata.id":"/redfish/v1/x"}],"Id":"`+strings.Repeat(`\u001b[2J\u202e`, 1000)+`","Model":"\u001b]0;x\u0007","error":{"@Message.ExtendedInfo":[{"MessageId":"x.Y","Message":"\u001b[2J"}]}}`),
	}
	return append(ways, answerWays()...)
}

// answerWays misbehave in how they answer, not in what.
func answerWays() []controllerWay {
	at := func(name string, p phase, says string, do func(*controller, http.ResponseWriter, *http.Request)) controllerWay {
		return controllerWay{name: name, phase: p, says: says, do: do}
	}
	return []controllerWay{
		at("each answer byte by byte", logged, "no answer within 3s", func(c *controller, w http.ResponseWriter, _ *http.Request) { c.drip(w, " ") }),
		at("no answer any more", logged, "no answer within 3s", func(c *controller, _ http.ResponseWriter, r *http.Request) { c.hang(r) }),
		at("busy for ever", reading, "status 503", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "-1")
			w.WriteHeader(503)
		}),
		at("session ends each time", logged, "", func(_ *controller, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }),
		at("each link leads on", reading, "", func(c *controller, w http.ResponseWriter, _ *http.Request) {
			to := fmt.Sprintf("/redfish/v1/Managers/%d", c.r.Int64())
			fmt.Fprintf(w, `{"Members":[{"@odata.id":%q},{"@odata.id":%q}],"Members@odata.nextLink":%q,"EthernetInterfaces":{"@odata.id":%q},"Links":{"ManagerForServers":[{"@odata.id":%q}]}}`, to, to+"1", to+"2", to+"3", to+"4")
		}),
		at("an ETag of a megabyte", reading, "", func(c *controller, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `W/"`+strings.Repeat("x", 1<<20)+`"`)
			c.behave(w, r.URL.Path, reading)
		}),
		at("an ETag that is two lines", reading, "", func(_ *controller, w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Replace(documents()[r.URL.Path], "{", `{"@odata.etag":"\"1\"\r\nHost: x",`, 1))
		}),
		at("412 for ever", writing, "any precondition", func(_ *controller, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(412) }),
		at("another ETag each time", logged, "", func(c *controller, w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch {
				w.WriteHeader(412)
				return
			}
			w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(time.Now().UnixNano())))
			_, _ = io.WriteString(w, documents()[r.URL.Path])
		}),
		at("a task without end", writing, "still Running after 1s", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", tasks+"1")
			w.WriteHeader(202)
		}),
		at("a task elsewhere", writing, "", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://198.51.100.66"+tasks+"1")
			w.WriteHeader(202)
		}),
		at("a task later than for ever", writing, "", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", tasks+"1")
			w.Header().Set("Retry-After", "9223372036854775807")
			w.WriteHeader(202)
		}),
		at("accepted and not done", writing, "", func(_ *controller, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }),
		at("refused, and painted", writing, "", func(_ *controller, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.0.\u001b[2J","Message":"\u001b[31m%s"}]}}`, strings.Repeat("x", 100_000))
		}),
	}
}
