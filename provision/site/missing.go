package site

import (
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision/secret"
)

// MissingSecrets says what a valid site still lacks before it can be planned
// or applied: secrets that could not be looked up, and the keys by which the
// machines are recognised, since raiz never takes one blindly. It is empty
// when nothing is missing.
func (s *Site) MissingSecrets() Diagnostics {
	var out Diagnostics
	add := func(spot, rule, summary, detail string) {
		out = append(out, s.at(spot, rule, summary, detail))
	}
	look := func(spot string, v secret.Value) {
		rule, summary, bad := "secret-missing", "secret not found", unfit{}
		if errors.As(v.Err(), &bad) {
			rule, summary = "secret-unfit", "secret found, but not usable"
		}
		if v.Err() != nil {
			add(spot, rule, summary, fmt.Sprintf("%s: %s.", v.Source(), v.Err()))
		}
	}
	if b := s.BMC; b != nil {
		look("bmc.password", b.Password)
		if b.HTTPS != nil {
			look("bmc.https.key", b.HTTPS.Key)
		}
		if b.Factory != nil {
			look("bmc.factory.password", b.Factory.Password)
		}
		if b.Fingerprint == "" && len(b.CA) == 0 {
			add("bmc.certificate", "pin-missing", "BMC cannot be recognised", fmt.Sprintf(
				"Run raiz enroll %s at the machine, or write certificate = \"sha256:...\" or ca = file(\"bmc-ca.pem\").", s.Name))
		}
	}
	if s.Server.SSH.Host == (HostPin{}) {
		add("server.ssh.host_key", "pin-missing", "server cannot be recognised", fmt.Sprintf(
			"Run raiz enroll %s at the machine, or write host_key = \"...\" from its /etc/ssh/ssh_host_ed25519_key.pub.", s.Name))
	}
	for _, j := range s.Server.SSH.Jump {
		if j.Host == (HostPin{}) {
			add("server.ssh.jump."+j.Name, "pin-missing", "jump host cannot be recognised", fmt.Sprintf(
				"Write host_key = \"...\" from /etc/ssh/ssh_host_ed25519_key.pub of %s.", j.Address))
		}
	}
	for _, n := range s.BGP.Neighbors {
		look("bgp.neighbor."+n.Name+".password", n.Password)
	}
	for _, k := range s.DNS.Keys {
		look("dns.key."+k.Name+".secret", k.Secret)
	}
	look("dns.cookie.secret", s.DNS.Cookie.Secret)
	look("dns.cookie.staging", s.DNS.Cookie.Staging)
	return tidy(out)
}
