//go:build linux

package rehearse

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Start says what runs the server's network before raiz comes: what Debian's
// installer, a cloud image or an administrator left there. Each of them has
// the same addresses on the same interface.
type Start string

const (
	// StartNetworkd is systemd-networkd with one file, and the default.
	StartNetworkd Start = "networkd"
	// StartIfupdown is what Debian's installer leaves with static addresses.
	StartIfupdown Start = "ifupdown"
	// StartIfupdownDHCP has its IPv4 address from isc-dhcp-client, for
	// leaseTime. IPv6 is static.
	StartIfupdownDHCP Start = "ifupdown-dhcp"
	// StartNetplan is netplan with networkd as its renderer.
	StartNetplan Start = "netplan"
	// StartNetworkManager is a keyfile of NetworkManager.
	StartNetworkManager Start = "networkmanager"
	// StartCloudInitENI is ifupdown with what cloud-init writes for it.
	StartCloudInitENI Start = "cloudinit-eni"
	// StartCloudInitNetworkd is networkd with what cloud-init writes for it.
	StartCloudInitNetworkd Start = "cloudinit-networkd"
)

// Starts are all there are, the default first.
func Starts() []Start {
	var all []Start
	for _, s := range setups() {
		all = append(all, s.start)
	}
	return all
}

// setup is what a Start consists of.
type setup struct {
	start    Start
	packages []string                // of the manager
	files    func(endpoint) []placed // what configures it
	units    []string                // enabled as systemctl does, so with what their [Install] names besides
	links    []string                // started by multi-user.target, and that is all
	leased   bool                    // the first IPv4 address comes by DHCP
}

// placed is a file that is on the server before raiz comes. One without a
// user is root's.
type placed struct {
	path string
	mode fs.FileMode
	user string
	text string
}

func setups() []setup {
	return []setup{
		{start: StartNetworkd, files: networkdFiles, links: []string{"systemd-networkd.service"}},
		{start: StartIfupdown, files: ifupdownFiles, packages: []string{"ifupdown"}, units: []string{"networking.service"}},
		{start: StartIfupdownDHCP, files: ifupdownDHCPFiles, leased: true, units: []string{"networking.service"},
			// The lease is given by busybox: see serveLease.
			packages: []string{"busybox-static", "ifupdown", "isc-dhcp-client"}},
		// It starts networkd by itself, through a generator.
		{start: StartNetplan, files: netplanFiles, packages: []string{"netplan.io"}},
		{start: StartNetworkManager, files: networkManagerFiles, packages: []string{"network-manager"}, units: []string{"NetworkManager.service"}},
		{start: StartCloudInitENI, files: cloudInitENIFiles, packages: []string{"ifupdown"}, units: []string{"networking.service"}},
		{start: StartCloudInitNetworkd, files: cloudInitNetworkdFiles, units: []string{"systemd-networkd.service"}},
	}
}

// setupOf finds what a Start consists of; "" is the default one.
func setupOf(start Start) (setup, error) {
	var names []string
	for _, s := range setups() {
		if start == s.start || start == "" && s.start == StartNetworkd {
			return s, nil
		}
		names = append(names, string(s.start))
	}
	return setup{}, fmt.Errorf("start from %q: there is no such starting state: take one of %s", start, strings.Join(names, ", "))
}

// managerUnits start a manager of the network at boot when Debian's packages
// have had their way. In a tree with several all are off, and a server starts
// its own.
func managerUnits() []string {
	return []string{
		"NetworkManager-dispatcher.service", "NetworkManager-wait-online.service", "NetworkManager.service", "networking.service",
		"systemd-network-generator.service", "systemd-networkd-wait-online.service", "systemd-networkd.service", "systemd-networkd.socket",
	}
}

// manage puts the manager of a Start into a tree. All servers that need one
// have the same tree with all of them, which is built once: what is installed
// and does not run is on real servers too, as networkd is on each Debian.
func (r *recipe) manage(s setup) {
	if len(s.packages) == 0 {
		return
	}
	for _, other := range setups() {
		r.packages = append(r.packages, other.packages...)
	}
	r.disabled = append(r.disabled, managerUnits()...)
	for _, list := range []*[]string{&r.packages, &r.disabled} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

// begin leaves the network of the server to what its Start names.
func (t *Testbed) begin(ctx context.Context) error {
	s, err := setupOf(t.Start)
	if err != nil {
		return err
	}
	m := t.Server
	for _, f := range s.files(t.Layout.Server) {
		if err := m.Write(f.path, f.mode, f.text); err != nil {
			return err
		}
		if f.user == "" {
			continue
		}
		if _, err := run(ctx, "chroot", m.root, "chown", f.user+":", f.path); err != nil {
			return err
		}
	}
	for _, unit := range s.links {
		if err := m.enable(unit); err != nil {
			return err
		}
	}
	if len(s.units) == 0 {
		return nil
	}
	_, err = run(ctx, append([]string{"chroot", m.root, "systemctl", "--quiet", "enable"}, s.units...)...)
	return err
}
