package report

import "github.com/raiz-dns/raiz/provision/verdict"

// number is a count as it is said: 1 has words of its own.
func number(n int, one, many verdict.Message) verdict.Message {
	if n == 1 {
		return one
	}
	return many
}

func changes(n int) verdict.Message {
	return number(n, verdict.New("count.change.one"), verdict.New("count.change", verdict.Count("count", n)))
}

func things(n int) verdict.Message {
	return number(n, verdict.New("count.thing.one"), verdict.New("count.thing", verdict.Count("count", n)))
}

func checks(n int) verdict.Message {
	return number(n, verdict.New("count.check.one"), verdict.New("count.check", verdict.Count("count", n)))
}

func sessions(n int) verdict.Message {
	return number(n, verdict.New("count.session.one"), verdict.New("count.session", verdict.Count("count", n)))
}

func more(n int) verdict.Message {
	return number(n, verdict.New("count.more.one"), verdict.New("count.more", verdict.Count("count", n)))
}

func lines(n int) verdict.Message {
	return number(n, verdict.New("count.line.one"), verdict.New("count.line", verdict.Count("count", n)))
}

// message is what a run has cost.
func (c Cost) message() verdict.Message {
	return verdict.New("report.cost",
		verdict.Inner("connections", number(c.SSHConnections, verdict.New("count.connection.one"), verdict.New("count.connection", verdict.Count("count", c.SSHConnections)))),
		verdict.Inner("execs", number(c.SSHExecs, verdict.New("count.exec.one"), verdict.New("count.exec", verdict.Count("count", c.SSHExecs)))),
		verdict.Inner("uploads", number(c.Uploads, verdict.New("count.upload.one"), verdict.New("count.upload", verdict.Count("count", c.Uploads)))),
		verdict.Inner("gets", number(c.BMCGets, verdict.New("count.get.one"), verdict.New("count.get", verdict.Count("count", c.BMCGets)))),
		verdict.Inner("writes", number(c.BMCWrites, verdict.New("count.write.one"), verdict.New("count.write", verdict.Count("count", c.BMCWrites)))),
		verdict.Inner("handshakes", number(c.BMCHandshakes, verdict.New("count.handshake.one"), verdict.New("count.handshake", verdict.Count("count", c.BMCHandshakes)))),
	)
}
