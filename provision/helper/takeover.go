package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// letGo has NetworkManager forget its links while they keep their addresses. It
// marks addresses so that the kernel keeps no connected route for them; they
// are made anew without that mark, or networkd would never end configuring.
func (h *Helper) letGo(b before) error {
	links := of(b.Owners, server.NetworkManager)
	if len(links) == 0 {
		return nil
	}
	if err := h.run([]string{"nmcli", "general", "reload", "conf"}); err != nil {
		return err
	}
	for _, l := range links {
		if err := h.run([]string{"nmcli", "device", "set", l, "managed", "no"}); err != nil {
			return fmt.Errorf("have NetworkManager leave %s alone: %w", l, err)
		}
	}
	n, err := h.os.Network()
	if err != nil {
		return err
	}
	for _, l := range n.Links {
		if !slices.Contains(links, l.Name) {
			continue
		}
		for _, a := range l.Addresses {
			if !a.NoRoute && a.Seconds == 0 {
				continue
			}
			if err := h.os.DelAddress(l.Name, a.Address); err != nil {
				return err
			}
			if err := h.os.AddAddress(l.Name, server.AddressFact{Address: a.Address}); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeOver makes ifupdown forget its links, once networkd has them. Nobody may
// stop networking.service before: it would take the links down.
func (h *Helper) takeOver(b before) error {
	if err := h.dropDefaults(b); err != nil {
		return err
	}
	links := of(b.Owners, server.Ifupdown)
	if len(links) == 0 {
		return nil
	}
	if err := h.waitConfigured(links); err != nil {
		return err
	}
	for _, l := range links {
		pid := "/run/dhclient." + l + ".pid"
		switch _, err := h.os.Look(pid); {
		case err == nil:
			// It ends and gives nothing back (dhclient(8), -x).
			if err := h.run([]string{"dhclient", "-x", "-pf", pid, l}); err != nil {
				return fmt.Errorf("end the DHCP client of %s: %w", l, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("see whether %s has a DHCP client: %w", l, err)
		}
		if err := h.remove(ifstateFile + "." + l); err != nil {
			return err
		}
	}
	text, err := h.os.Read(ifstateFile)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		link, _, _ := strings.Cut(line, "=")
		if !slices.Contains(links, link) {
			kept.WriteString(line)
		}
	}
	return h.putAs(ifstateFile, []byte(kept.String()), Attributes{Mode: 0o644, Owner: "root", Group: "root"})
}

// waitConfigured waits until networkd has configured links.
func (h *Helper) waitConfigured(links []string) error {
	end := h.os.Uptime() + networkLimit
	for {
		n, err := h.os.Network()
		if err != nil {
			return err
		}
		var waits string
		for _, name := range links {
			l, _ := findLink(n, server.Match{Name: name})
			nd, err := h.keyValues(networkdDir + "/" + strconv.Itoa(l.Index))
			if err != nil {
				return err
			}
			if nd["ADMIN_STATE"] != "configured" {
				waits = fmt.Sprintf("networkd has not configured %s: it is %q", name, nd["ADMIN_STATE"])
			}
		}
		if waits == "" {
			return nil
		}
		if h.os.Uptime() >= end {
			return errors.New(waits)
		}
		h.os.Sleep(pause)
	}
}
