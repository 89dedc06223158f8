package provision_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateFuzz = flag.Bool("update-fuzz", false, "write docs/fuzz.md")

// reader is a function that reads bytes of others, and how that is tried.
type reader struct {
	where  string // PACKAGE.FUNCTION
	target string // PACKAGE.TARGET, or "" and why there is none
	reads  string // whose bytes, or why they are nobody's
}

// readers are all functions that call a decoder.
func readers() []reader {
	return []reader{
		{"provision.declaredBy", "provision.FuzzDeclared", "what a generation on the server declares"},
		{"provision/harm.Table", "", "a table of our own tests, read by them alone"},
		{"provision/bmc.openEntry", "", "links of a run before, sealed with a key that is here: what is not ours is not read"},
		{"provision/bmc.leaf", "provision/site.FuzzLoad", "a certificate of the site folder"},
		{"provision/helper.New", "provision/helper.FuzzRecord", "records of generations, on the server's disk"},
		{"provision/helper/guard.judge", "provision/helper/guard.FuzzJudge", "answers of the name server"},
		{"provision/helper/guard.blocks", "provision/watch.FuzzReadStatus", "what the guard before kept in systemd, which no other may write"},
		{"provision/helper/guard.take", "provision/helper/guard.FuzzReadLoad", "counters of the kernel"},
		{"provision/observation.read", "provision/observation.FuzzRead", "what programs on the server print"},
		{"provision/plan.Open", "provision/plan.FuzzOpen", "plan files"},
		{"provision/redfish.decode", "provision/redfish.FuzzAnswer", "documents of a controller"},
		{"provision/redfish.fixLogin", "provision/bmc.FuzzController", "the answer to a login"},
		{"provision/redfish.newDialer", "provision/site.FuzzLoad", "the CA that a site names"},
		{"provision/remote.certificateOf", "", "the operator's own certificate"},
		{"provision/remote.deviceKey", "", "the operator's own private key"},
		{"provision/remote.parseHostKey", "provision/site.FuzzLoad", "the host keys in a site file"},
		{"provision/remote.read", "", "the operator's own private key"},
		{"provision/report.readDocument", "provision/report.FuzzKept", "a verification that somebody has kept"},
		{"provision/report/messages.In", "", "is part of the binary"},
		{"provision/server.readLast", "provision/server.FuzzAfterNoise", "answers of the helper, behind what a login's shell prints"},
		{"provision/server.strict", "provision/server.FuzzReadRequest", "requests"},
		{"provision/server.ReadRequest", "provision/server.FuzzReadRequest", "requests"},
		{"provision/server.ReadAnswer", "provision/server.FuzzReadAnswer", "answers of the helper"},
		{"provision/simbmc.readTree", "provision/simbmc.FuzzSaved", "captures of controllers"},
		{"provision/site.parse", "provision/site.FuzzLoad", "site files, operator files (FuzzOperatorFile)"},
		{"provision/site.certificates", "provision/site.FuzzOperatorFile", "certificates in an operator file"},
		{"provision/site.checkCA", "provision/site.FuzzOperatorFile", "certificates of a site folder"},
		{"provision/site.https", "provision/site.FuzzLoad", "certificates of a site folder"},
		{"provision/site.loadProfile", "", "profiles of the binary, or of --templates, which the operator names"},
		{"provision/site.Format", "provision/site.FuzzEdit", "site files"},
		{"provision/site.Enroll", "provision/site.FuzzEdit", "site files"},
		{"provision/site.operatorBlocks", "provision/site.FuzzOperatorFile", "operator files"},
		{"provision/verdict.decode", "provision/verdict.FuzzDecode", "messages of a verification that somebody has kept"},
		{"provision/verdict.one", "provision/verdict.FuzzDecode", "their arguments"},
		{"provision/verify.unpacked", "provision/verify.FuzzReadHeard", "answers of name servers, which FuzzRules judges"},
		{"provision/watch.ReadStatus", "provision/watch.FuzzReadStatus", "what the guard tells"},
		{"provision/watch.ReadDrain", "provision/watch.FuzzReadDrain", "who drained a copy"},
		{"provision/watch.ReadConfig", "provision/watch.FuzzReadConfig", "what the guard is to do"},
	}
}

// decoders are the calls that tell a reader.
func decoders() []string {
	return []string{
		"json.Unmarshal", "json.NewDecoder", "hclsyntax.ParseConfig", "m.Unpack", "ssh.ParseAuthorizedKey", "ssh.ParseKnownHosts", "ssh.ParsePrivateKey",
		"x509.ParseCertificate", "pem.Decode", "bufio.NewScanner", "gzip.NewReader", "tar.NewReader", "zip.NewReader", "xml.Unmarshal", "xml.NewDecoder",
		"csv.NewReader", "gob.NewDecoder", "dns.NewZoneParser", "dns.NewRR", "pool.AppendCertsFromPEM", "AppendCertsFromPEM",
	}
}

// sources calls look with each Go file of raiz.
func sources(t *testing.T, look func(room string, name string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") && len(e.Name()) > 2):
			return filepath.SkipDir
		case e.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err == nil {
			room, _ := filepath.Rel("..", filepath.Dir(name))
			look(filepath.ToSlash(room), name, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFuzzTable: each function that reads bytes of others has its place in the
// table, with a target that there is; docs/fuzz.md has all of it.
func TestFuzzTable(t *testing.T) {
	var found, targets []string
	sources(t, func(room, name string, file *ast.File) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || f.Body == nil:
			case strings.HasSuffix(name, "_test.go"):
				if strings.HasPrefix(f.Name.Name, "Fuzz") && f.Recv == nil {
					targets = append(targets, room+"."+f.Name.Name)
				}
			case decodes(f):
				found = append(found, room+"."+f.Name.Name)
			}
		}
	})
	slices.Sort(targets)
	slices.Sort(found)
	found = slices.Compact(found)
	for _, where := range found {
		if !slices.ContainsFunc(readers(), func(r reader) bool { return r.where == where }) && !nobodys(where) {
			t.Errorf("%s reads bytes, and has no place in the table of readers", where)
		}
	}
	for _, r := range readers() {
		if !slices.Contains(found, r.where) {
			t.Errorf("%s reads nothing any more", r.where)
		}
		if r.target != "" && !slices.Contains(targets, r.target) {
			t.Errorf("%s: there is no %s", r.where, r.target)
		}
	}
	doc := fuzzDoc(targets)
	if *updateFuzz {
		if err := os.WriteFile("../docs/fuzz.md", doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile("../docs/fuzz.md"); err != nil || !bytes.Equal(text, doc) {
		t.Errorf("docs/fuzz.md is not what -update-fuzz writes: %v", err)
	}
}

// nobodys are rooms that read nothing but what raiz itself sends, on this
// machine.
func nobodys(where string) bool {
	return strings.HasPrefix(where, "provision/rehearse.") || strings.HasPrefix(where, "provision/simbmc.")
}

func decodes(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name := sel.Sel.Name
		if x, ok := sel.X.(*ast.Ident); ok {
			name = x.Name + "." + name
		}
		found = found || slices.Contains(decoders(), name)
		return true
	})
	return found
}

func fuzzDoc(targets []string) []byte {
	var b bytes.Buffer
	b.WriteString("# What is fuzzed\n\n`make fuzz` runs each target for FUZZTIME (ten minutes), one after another. A test writes this file, and\nturns red where a function reads bytes of others and has no place in it.\n\n| reads | whose bytes | target |\n|---|---|---|\n")
	for _, r := range readers() {
		target := "none"
		if r.target != "" {
			target = "`" + r.target + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.where, r.reads, target)
	}
	b.WriteString("\nAll targets:\n\n")
	for _, t := range targets {
		fmt.Fprintf(&b, "- `%s`\n", t)
	}
	return b.Bytes()
}
