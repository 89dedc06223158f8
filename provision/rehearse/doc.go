// Package rehearse builds, from a Site, the testbed a rehearsal stands on: a
// Debian server that boots systemd, the host's router, a place for a
// simulated BMC, the controller's side and the primary of the zones that are
// transferred, each in a network namespace of its own under the addresses that
// the site declares.
//
// It needs root, and it touches nothing of this machine: no address of a site
// appears outside the namespaces, no route, sysctl, firewall rule or clock
// changes. Everything it makes is named after the rehearsal's ID, so that
// several run side by side and Down finds all of it again, also from another
// process and after a crash:
//
//	/run/raiz/rehearse/ID      state, keys, console logs, mount points
//	/run/netns/raiz-ID-ROLE    srv, rtr, bmc, ctl, pri
//	CGROUP2/raiz-ID/ROLE       every process of the rehearsal
//	CACHE/base-HASH            the Debian tree all machines are layered on
//
// It knows no daemon: what the router, the primary and their commands are is
// said by the packs below templates/lab, whose templates see Values, and what
// is installed by those packs and the ones of the site.
//
// It does not know raiz's own plan, apply and verify: those are run against
// the testbed by whoever called Up. Start reading at Up, then layOut, which
// decides what is wired to what.
package rehearse
