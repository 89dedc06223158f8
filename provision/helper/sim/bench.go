package sim

// Bench is a server with units and files to try things on, which is up.
func Bench(p Programs) *Machine {
	d := newServer(FromNetworkd)
	d.mustDir("/bench/files")
	d.mustDir("/bench/files/theirs")
	d.own("/bench/files/theirs", "bird", 0o755)
	d.mustDir("/bench/files/everybodys")
	d.own("/bench/files/everybodys", "root", 0o777)
	d.mustPut("/bench/bad", "checkfail\n")
	d.mustPut("/bench/hangs", "checkhang\n")
	d.mustPut("/bench/rules", "let it through\n")
	d.mustPut("/bench/broken.conf", "startfail\n")
	for name, text := range map[string]string{
		"idle.service": "X-Reload=no\n" + install, "broken.service": "X-Config=/bench/broken.conf\n" + install,
		"slow.service": "X-Slow=5\n" + install, "raiz-revert.service": "StartLimitIntervalSec=0\nExecStart=/bench/bad\n",
	} {
		d.mustPut("/etc/systemd/system/"+name, "[Service]\n"+text)
	}
	m := newMachine(d, p, &threads{})
	m.Boot()
	m.Run(m.now)
	return m
}
