package site

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/raiz-dns/raiz/provision/secret"
)

// OperatorFile says, site by site, what the site files may look up and which
// machines may receive it. It is the operator's word, and lies where a change
// of site files cannot touch it. One without blocks allows nothing.
type OperatorFile struct {
	Path  string // for people
	Found bool   // false where there is none yet
	sites []trusted
}

// trusted is one block of an operator file: it holds for the sites whose name
// its label matches.
type trusted struct {
	pattern string
	trust   Trust
}

// Trust is what the operator file says of one site.
type Trust struct {
	Grant secret.Grant
	// HostKeys are the SSH host keys of the server, "ssh-ed25519 AAAA…".
	HostKeys []string
	// Authorities are the keys of @cert-authority lines: a site may name one of
	// them as its host_authority.
	Authorities []string
	// Revoked are keys that are never right, whatever else says so.
	Revoked []string
	// Certificates are fingerprints of the BMC's, "sha256:" and 64 digits.
	Certificates []string
	// CAs are the certificates that may have signed the BMC's, DER.
	CAs []string
}

type rawOperatorFile struct {
	Sites []rawTrusted `hcl:"site,block"`
}

type rawTrusted struct {
	Name         string         `hcl:"name,label"`
	NameRange    hcl.Range      `hcl:"name,label_range"`
	Env          *hcl.Attribute `hcl:"env,optional"`
	Folders      *hcl.Attribute `hcl:"folders,optional"`
	KnownHosts   *hcl.Attribute `hcl:"known_hosts,optional"`
	Certificates *hcl.Attribute `hcl:"bmc_certificates,optional"`
	CA           *hcl.Attribute `hcl:"bmc_ca,optional"`
	Programs     []rawProgram   `hcl:"program,block"`
}

type rawProgram struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Path      *hcl.Attribute `hcl:"path,optional"`
	Arguments *hcl.Attribute `hcl:"arguments,optional"`
	Folder    *hcl.Attribute `hcl:"folder,optional"`
}

// ParseOperatorFile reads the text of an operator file. It has no functions
// and no locals: what it allows is to be plain to read. Relative paths start
// at the folder of the file.
func ParseOperatorFile(text []byte, name string) (*OperatorFile, Diagnostics) {
	f := &OperatorFile{Path: name, Found: true}
	if at, ok := firstUnreadable(name, text); !ok {
		d := fileProblem(name, "not a text file", "Here is something that is not UTF-8 text. Save the file as UTF-8.")
		d.Pos = at
		return f, Diagnostics{d}
	}
	src := &source{name: name, text: text}
	parsed := (&loader{spent: &budget{}}).parse(src)
	if parsed.body == nil {
		return f, tidy(parsed.diags)
	}
	var raw rawOperatorFile
	c := newConverter(src, &loader{ctx: nil, looked: newLookups(nil, ".")})
	c.diags = append(parsed.diags, fromHCL(src, gohcl.DecodeBody(parsed.body, nil, &raw))...)
	c.dropNulls(&raw)
	for i := range raw.Sites {
		f.sites = append(f.sites, trusted{raw.Sites[i].Name, c.trust(&raw.Sites[i], filepath.Dir(name))})
	}
	return f, tidy(c.diags)
}

func (c *converter) trust(raw *rawTrusted, dir string) Trust {
	c.label(raw.Name, raw.NameRange, shaped("a site", "write its name, or a pattern such as \"gru*\"", func(s string) bool {
		return s != "" && onlyNameBytes(strings.NewReplacer("*", "", "?", "").Replace(s))
	}))
	var t Trust
	for _, s := range c.texts(raw.Env) {
		if c.passes(s.at, s.val, shaped("a name of variables", "write it as GRU1_PASSWORD or GRU1_*", variablePattern)) {
			t.Grant.Variables = append(t.Grant.Variables, s.val)
		}
	}
	for _, s := range c.texts(raw.Folders) {
		if folder, ok := c.folder(s, dir); ok {
			t.Grant.Folders = append(t.Grant.Folders, folder)
		}
	}
	for i := range raw.Programs {
		t.Grant.Programs = append(t.Grant.Programs, c.program(&raw.Programs[i], dir))
	}
	for _, s := range c.texts(raw.Certificates) {
		f, ok := fingerprint(s.val)
		if !ok {
			c.fail(s.at, problem{"bmc-pin", "not a fingerprint", `Each of bmc_certificates is "sha256:" and 64 hexadecimal digits. ` + howToPin})
		}
		t.Certificates = append(t.Certificates, f)
	}
	if val, ok := c.value(raw.CA, cty.String, "a string"); ok {
		if err := checkCA(val.AsString()); err != nil {
			c.fail(raw.CA.Expr.Range(), problem{"bmc-pin", "not a CA certificate", fmt.Sprintf("bmc_ca has to be PEM. %s", err)})
		}
		t.CAs = certificates([]byte(val.AsString()))
	}
	c.knownHosts(raw.KnownHosts, &t)
	return t
}

func variablePattern(s string) bool {
	return s != "" && len(s) <= maxIdentity && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*?") == ""
}

// folder is an absolute folder. The whole machine is none: whoever means that
// has not understood what it is for.
func (c *converter) folder(s given[string], dir string) (string, bool) {
	at, err := secret.Absolute(dir, s.val)
	switch {
	case s.val == "" || err != nil:
		c.fail(s.at, problem{"folders", "not a folder", fmt.Sprintf("%q is not the name of a folder, such as \"~/secrets/gru1\".", short(s.val))})
		return "", false
	case at == filepath.Dir(at):
		c.fail(s.at, problem{"folders", "everything allowed", "Name the folder that holds the secrets of this site, not the whole machine."})
		return "", false
	}
	return at, true
}

func (c *converter) program(raw *rawProgram, dir string) secret.Program {
	p := secret.Program{Name: raw.Name, Dir: dir}
	if raw.Name == "" {
		c.fail(raw.NameRange, problem{"program", "program without a name", `Write the word by which site files call it: program "sops" { ... }`})
	}
	if abs, err := filepath.Abs(dir); err == nil {
		p.Dir = abs
	}
	if got := c.text(raw.Folder, func(string) *problem { return nil }); got.ok {
		p.Dir, _ = c.folder(got, dir)
	}
	if got := c.text(raw.Path, func(s string) *problem {
		if filepath.IsAbs(s) {
			return nil
		}
		return &problem{"program", "path not absolute", fmt.Sprintf("%q has to be absolute; leave path out to take what PATH has.", short(s))}
	}); got.ok {
		p.Path = got.val
	}
	if c.need(raw.Arguments, raw.Range, "arguments", `arguments = ["-d", "/srv/secrets/gru1.yaml"]; [] for none`) {
		p.Arguments = values(c.texts(raw.Arguments))
	}
	return p
}

// knownHosts takes lines of OpenSSH's known_hosts (sshd(8)). The names in
// front are for people and for ssh: which machine may have the secrets of a
// site is decided by its key, wherever it answers.
func (c *converter) knownHosts(attr *hcl.Attribute, t *Trust) {
	val, ok := c.value(attr, cty.String, "a string")
	if !ok {
		return
	}
	for i, line := range strings.Split(val.AsString(), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		into := &t.HostKeys
		fields := strings.Fields(line)
		if strings.HasPrefix(fields[0], "@") {
			marker := fields[0]
			fields = fields[1:]
			switch marker {
			case "@cert-authority":
				into = &t.Authorities
			case "@revoked":
				into = &t.Revoked
			default:
				c.fail(attr.Expr.Range(), problem{"known-hosts", "unknown marker", fmt.Sprintf(
					"Line %d begins with %q. Known are: @cert-authority, @revoked.", i+1, short(marker))})
				continue
			}
		}
		if len(fields) < 3 {
			c.fail(attr.Expr.Range(), problem{"known-hosts", "not a line of known_hosts", fmt.Sprintf(
				"Line %d has to be NAMES TYPE KEY, as ssh-keyscan prints it.", i+1)})
			continue
		}
		key, why := parseHostKey(fields[1] + " " + fields[2])
		if why != "" {
			c.fail(attr.Expr.Range(), problem{"known-hosts", "not a line of known_hosts", fmt.Sprintf("Line %d: %s", i+1, why)})
			continue
		}
		*into = append(*into, key)
	}
}

// certificates returns those of a PEM text.
func certificates(text []byte) []string {
	var out []string
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return out
		}
		out = append(out, string(block.Bytes))
	}
}

// For returns what the operator file says of a site, all its blocks together.
// dir is the folder of the site files.
func (f *OperatorFile) For(site, dir string) Trust {
	all := Trust{Grant: secret.Grant{Dir: dir}}
	for _, b := range f.sites {
		if !secret.Matches(b.pattern, site) {
			continue
		}
		t := b.trust
		all.Grant.Variables = append(all.Grant.Variables, t.Grant.Variables...)
		all.Grant.Folders = append(all.Grant.Folders, t.Grant.Folders...)
		all.Grant.Programs = append(all.Grant.Programs, t.Grant.Programs...)
		all.HostKeys = append(all.HostKeys, t.HostKeys...)
		all.Authorities = append(all.Authorities, t.Authorities...)
		all.Revoked = append(all.Revoked, t.Revoked...)
		all.Certificates = append(all.Certificates, t.Certificates...)
		all.CAs = append(all.CAs, t.CAs...)
	}
	return all
}

// hasKey reports whether a host key is one of the operator file's.
func (t Trust) hasKey(key string) bool {
	return slices.Contains(t.HostKeys, key) && !slices.Contains(t.Revoked, key)
}

// operatorBlocks returns the blocks for exactly one site in the text of an operator
// file.
func operatorBlocks(text []byte, site string) []*hclsyntax.Block {
	file, diags := hclsyntax.ParseConfig(text, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	var out []*hclsyntax.Block
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		if b.Type == "site" && len(b.Labels) == 1 && b.Labels[0] == site {
			out = append(out, b)
		}
	}
	return out
}

// EnrollOperator returns the text of an operator file with pins added for one
// site. What is there stays, to the byte: they go into a block of their own at
// the end, and those that are known already go nowhere. With ReplacePinned
// the site's old pins, in blocks that are only for it, become the new ones.
func EnrollOperator(text []byte, name string, s *Site, pins, old Pins, pinned Pinned) ([]byte, Diagnostics) {
	f, diags := ParseOperatorFile(text, name)
	if diags.HasErrors() {
		return text, diags
	}
	if pinned == ReplacePinned {
		text = replacePins(text, s.Name, pins, old)
		if f, diags = ParseOperatorFile(text, name); diags.HasErrors() {
			return text, diags
		}
	}
	t := f.For(s.Name, "")
	if slices.Contains(t.Revoked, pins.HostKey) {
		return text, Diagnostics{{Severity: Error, Rule: "operator-file", Summary: "host key revoked", Pos: Pos{File: name, Line: 1, Column: 1}, Detail: "The server shows a key that is @revoked here: it is not pinned. Give it a new host key on its console."}}
	}
	if t.hasKey(pins.HostKey) {
		pins.HostKey = ""
	}
	if slices.Contains(t.Certificates, pins.Certificate) {
		pins.Certificate = ""
	}
	if pins == (Pins{}) {
		return text, nil
	}
	out := bytes.Clone(text)
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	if len(out) > 0 {
		out = append(out, '\n')
	}
	return append(out, suggestBlock(s, "", nil, pins)...), nil
}

// replacePins puts new pins in place of old ones, last block first.
func replacePins(text []byte, site string, pins, old Pins) []byte {
	for _, b := range slices.Backward(operatorBlocks(text, site)) {
		from, to := b.OpenBraceRange.Start.Byte, b.CloseBraceRange.End.Byte
		inner := bytes.Clone(text[from:to])
		if old.Certificate != "" && pins.Certificate != "" {
			inner = bytes.ReplaceAll(inner, []byte(old.Certificate), []byte(pins.Certificate))
		}
		if old.HostKey != "" && pins.HostKey != "" {
			inner = bytes.ReplaceAll(inner, []byte(old.HostKey), []byte(pins.HostKey))
		}
		text = slices.Concat(text[:from], inner, text[to:])
	}
	return text
}
