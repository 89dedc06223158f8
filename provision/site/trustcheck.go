package site

import (
	"fmt"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/raiz-dns/raiz/provision/secret"
)

// Check says why the operator file does not let a run on this site begin: a
// machine that it does not know, a lookup that it does not allow. Nothing has
// been looked up, dialled or sent when it is asked.
func (f *OperatorFile) Check(s *Site, t Trust) Diagnostics {
	if d := f.unknown(s, t); d != nil {
		return Diagnostics{*d}
	}
	return tidy(append(f.strangers(s, t), f.denied(s, t)...))
}

// at makes a Diagnostic at a place of the site.
func (s *Site) at(spot, rule, summary, detail string) Diagnostic {
	at, ok := s.spots[spot]
	if !ok {
		at.pos = s.Pos
	}
	return Diagnostic{Severity: Error, Rule: rule, Summary: summary, Detail: detail, Pos: at.pos, Source: at.line}
}

// unknown says all at once of a site that the operator file does not speak of.
func (f *OperatorFile) unknown(s *Site, t Trust) *Diagnostic {
	g := t.Grant
	if len(g.Variables)+len(g.Folders)+len(g.Programs)+len(t.HostKeys)+len(t.Certificates)+len(t.CAs)+len(t.Revoked)+len(t.Authorities) > 0 {
		return nil
	}
	why := fmt.Sprintf("%s says nothing of site %q", f.Path, s.Name)
	if !f.Found {
		why = fmt.Sprintf("There is no operator file (%s)", f.Path)
	}
	var refs []*reference
	for _, r := range s.references {
		refs = append(refs, r.ref)
	}
	pins, compare := s.pins(), ""
	if pins != (Pins{}) {
		compare = fmt.Sprintf(" The pins are those of the site file: compare them on site, or leave them out and run raiz enroll %s.", f.shown(s))
	}
	d := s.at("site", "operator-file", "site not known to the operator", fmt.Sprintf(
		"%s, so nothing is looked up for it and nobody is contacted. If it may have what it asks for, write:\n\n%s\n%s is outside of the site files, where a change of them cannot touch it.%s",
		why, indent(string(suggestBlock(s, t.Grant.Dir, refs, pins))), f.Path, compare))
	return &d
}

// shown is how a command line would name the site file.
func (f *OperatorFile) shown(s *Site) string { return s.Pos.File }

// pins are what the site file itself says of its machines.
func (s *Site) pins() Pins {
	host := s.Server.SSH.Host
	p := Pins{HostKey: host.Key, Previous: host.Previous, Authority: host.Authority}
	if s.BMC != nil {
		p.Certificate = s.BMC.Fingerprint
	}
	return p
}

// strangers are the machines that the site file names and the operator file
// does not know. One that has no pin at all is missed by MissingSecrets.
func (f *OperatorFile) strangers(s *Site, t Trust) Diagnostics {
	var out Diagnostics
	add := func(spot, what, key string) {
		out = append(out, s.at(spot, "operator-file", what+" not known to the operator", fmt.Sprintf(
			"%s does not have %s for site %q, so nothing is sent there. If the machine was replaced, compare it on site and run raiz enroll %s --replace.",
			f.Path, key, s.Name, f.shown(s))))
	}
	host := s.Server.SSH.Host
	for _, key := range []string{host.Key, host.Previous, host.Authority} {
		if key != "" && slices.Contains(t.Revoked, key) {
			return append(out, s.at("server.ssh.host_key", "operator-file", "host key revoked", fmt.Sprintf(
				"%s says @revoked of a key that the site names: no machine with it gets anything. Give the server a new host key on its console, or have it signed by another authority, and run raiz enroll %s --replace.", f.Path, f.shown(s))))
		}
	}
	if host.Key != "" && !t.hasKey(host.Key) {
		add("server.ssh.host_key", "server", "this host_key")
	}
	if host.Previous != "" && !t.hasKey(host.Previous) {
		add("server.ssh.host_key", "server", "this previous_host_key")
	}
	if host.Authority != "" && (!slices.Contains(t.Authorities, host.Authority) || slices.Contains(t.Revoked, host.Authority)) {
		add("server.ssh.host_key", "server", "this host_authority, as @cert-authority,")
	}
	b := s.BMC
	if b == nil {
		return out
	}
	if b.Fingerprint != "" && !slices.Contains(t.Certificates, b.Fingerprint) {
		add("bmc.certificate", "BMC", "this certificate in bmc_certificates")
	}
	for _, ca := range certificates(b.CA) {
		if !slices.Contains(t.CAs, ca) {
			add("bmc.certificate", "BMC", "this ca in bmc_ca")
			break
		}
	}
	// The certificate that the BMC is to show is trusted beside the other.
	if b.HTTPS != nil && b.HTTPS.Fingerprint != "" && !slices.Contains(t.Certificates, b.HTTPS.Fingerprint) {
		add("bmc.https.key", "BMC", fmt.Sprintf("the new https certificate (%s) in bmc_certificates", b.HTTPS.Fingerprint))
	}
	return out
}

// denied are the lookups that the operator file does not allow, in one.
func (f *OperatorFile) denied(s *Site, t Trust) Diagnostics {
	var refs []*reference
	var names []string
	first := ""
	for _, r := range s.references {
		if t.allows(r.ref) {
			continue
		}
		if first == "" {
			first = r.spot
		}
		refs, names = append(refs, r.ref), append(names, r.ref.source())
	}
	if len(refs) == 0 {
		return nil
	}
	slices.Sort(names)
	return Diagnostics{s.at(first, "operator-file", "lookup not allowed", fmt.Sprintf(
		"%s does not let site %q look up %s. If it may, write there:\n\n%s", f.Path, s.Name, strings.Join(slices.Compact(names), ", "),
		indent(string(suggestBlock(s, t.Grant.Dir, refs, Pins{})))))}
}

// allows reports whether a reference may be looked up; nothing is.
func (t Trust) allows(r *reference) bool {
	g := t.Grant
	switch r.call {
	case "env":
		return slices.ContainsFunc(g.Variables, func(p string) bool { return secret.Matches(p, r.words[0]) })
	case "file":
		at, err := secret.Absolute(g.Dir, r.words[0])
		return err == nil && slices.ContainsFunc(g.Folders, func(folder string) bool {
			rel, err := filepath.Rel(folder, at)
			return err == nil && rel != "." && filepath.IsLocal(rel)
		})
	}
	return slices.ContainsFunc(g.Programs, func(p secret.Program) bool { return p.Allows(r.words) })
}

// suggestBlock is a block of an operator file. dir is the folder of the site
// files, where the names of their files start.
func suggestBlock(s *Site, dir string, refs []*reference, pins Pins) []byte {
	var variables, folders []string
	var programs strings.Builder
	seen := map[string]bool{}
	for _, r := range refs {
		if seen[r.source()] {
			continue
		}
		seen[r.source()] = true
		switch r.call {
		case "env":
			variables = append(variables, quote(r.words[0]))
		case "file":
			folders = append(folders, quote(folderToAllow(dir, r.words[0])))
		default:
			fmt.Fprintf(&programs, "  program %s {\n    arguments = [%s]\n  }\n", quote(r.words[0]), quoteAll(r.words[1:]))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "site %s {\n", quote(s.Name))
	list := func(name string, words []string) {
		if slices.Sort(words); len(words) > 0 {
			fmt.Fprintf(&b, "  %s = [%s]\n", name, strings.Join(slices.Compact(words), ", "))
		}
	}
	list("env", variables)
	list("folders", folders)
	if lines := knownHosts(strings.Join(serverNames(s), ","), pins); lines != "" {
		fmt.Fprintf(&b, "  known_hosts = <<-EOT\n%s  EOT\n", lines)
	}
	if pins.Certificate != "" {
		fmt.Fprintf(&b, "  bmc_certificates = [%s]\n", quote(pins.Certificate))
	}
	b.WriteString(programs.String())
	b.WriteString("}\n")
	return hclwrite.Format([]byte(b.String()))
}

// knownHosts are the lines of known_hosts that pins of a server are.
func knownHosts(names string, pins Pins) string {
	var b strings.Builder
	for _, p := range []struct{ mark, key string }{{"", pins.HostKey}, {"", pins.Previous}, {"@cert-authority ", pins.Authority}} {
		if p.key != "" {
			fmt.Fprintf(&b, "    %s%s %s\n", p.mark, names, p.key)
		}
	}
	return b.String()
}

// folderToAllow is the folder of a file: from home where it is written so.
func folderToAllow(dir, name string) string {
	if strings.HasPrefix(name, "~/") {
		return path.Dir(name)
	}
	at, err := secret.Absolute(dir, name)
	if err != nil {
		return path.Dir(filepath.ToSlash(name))
	}
	return filepath.Dir(at)
}

// serverNames are the addresses of the server, as known_hosts has them.
func serverNames(s *Site) []string {
	var out []string
	add := func(a netip.Addr) {
		name := a.String()
		if s.Server.SSH.Port != 22 && s.Server.SSH.Port != 0 {
			name = fmt.Sprintf("[%s]:%d", a, s.Server.SSH.Port)
		}
		out = append(out, name)
	}
	for _, p := range s.Server.Management.Addresses {
		add(p.Addr())
	}
	if s.Server.SSH.Bootstrap.IsValid() {
		add(s.Server.SSH.Bootstrap)
	}
	if len(out) == 0 {
		out = append(out, s.Name)
	}
	return out
}

// quote writes a text as HCL does.
func quote(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", text))
}

func quoteAll(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, quote(w))
	}
	return strings.Join(out, ", ")
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}
