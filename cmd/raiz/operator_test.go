package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/site"
)

const pinnedKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4"

// tree writes files, and links where the text begins with "-> ".
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Whatever the umask is: an operator file in it has to be safe.
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			if err := os.Symlink(to, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOperatorFileIsOutside refuses one that a change of site files can touch.
func TestOperatorFileIsOutside(t *testing.T) {
	const word = "site \"*\" {\n  env = [\"GRU1_*\"]\n}\n"
	for name, c := range map[string]struct {
		files          map[string]string
		operator, says string
	}{
		"beside":            {map[string]string{"op.hcl": word}, "op.hcl", ""},
		"absent by default": {nil, "", ""},
		"absent":            {nil, "op.hcl", "no such file"},
		"in the folder":     {map[string]string{"sites/op.hcl": word}, "sites/op.hcl", "can change it"},
		"below the folder":  {map[string]string{"sites/sub/op.hcl": word}, "sites/sub/op.hcl", "can change it"},
		"climbing":          {map[string]string{"sites/op.hcl": word, "x/y": ""}, "x/../sites/op.hcl", "can change it"},
		"a link into it":    {map[string]string{"sites/real.hcl": word, "op.hcl": "-> sites/real.hcl"}, "op.hcl", "can change it"},
		"by a linked way":   {map[string]string{"sites/op.hcl": word, "way": "-> sites"}, "way/op.hcl", "can change it"},
		"a link elsewhere":  {map[string]string{"real/op.hcl": word, "op.hcl": "-> real/op.hcl"}, "op.hcl", ""},
		"a link in it":      {map[string]string{"conf/op.hcl": word, "sites/op.hcl": "-> ../conf/op.hcl"}, "sites/op.hcl", "can change it"},
		"a linked folder":   {map[string]string{"conf/op.hcl": word, "sites/way": "-> ../conf"}, "sites/way/op.hcl", "can change it"},
		"by a link in it":   {map[string]string{"conf/op.hcl": word, "sites/op.hcl": "-> ../conf/op.hcl", "op.hcl": "-> sites/op.hcl"}, "op.hcl", "can change it"},
		"by a link beside":  {map[string]string{"sites/.git": "", "conf/op.hcl": word, "a": "-> b", "b": "-> conf"}, "a/op.hcl", ""},
		"link in checkout":  {map[string]string{"repo/.git/HEAD": "", "conf/op.hcl": word, "repo/op.hcl": "-> ../conf/op.hcl", "repo/sites/x": "", "sites": "-> repo/sites"}, "repo/op.hcl", "can change it"},
		"links in a circle": {map[string]string{"a": "-> b", "b": "-> a"}, "a/op.hcl", "too many links"},
		"same checkout":     {map[string]string{".git/HEAD": "", "op.hcl": word}, "op.hcl", "can change it"},
		"other checkout":    {map[string]string{"sites/.git": "", "ops/.git": "", "ops/op.hcl": word}, "ops/op.hcl", ""},
		"not valid":         {map[string]string{"op.hcl": "site {"}, "op.hcl", "is not valid"},
		"a folder":          {map[string]string{"op.hcl/x": ""}, "op.hcl", "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, c.files)
			t.Setenv("HOME", filepath.Join(dir, "home"))
			if err := os.MkdirAll(filepath.Join(dir, "sites"), 0o700); err != nil {
				t.Fatal(err)
			}
			g, said := quiet()
			if c.operator != "" {
				g.operator = filepath.Join(dir, c.operator)
			}
			w, err := g.operatorWord(filepath.Join(dir, "sites"), toRead)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q: %s", err, c.says, said)
			}
			if want := c.says == "" && c.operator != ""; (len(w.trust("gru1").Grant.Variables) > 0) != want {
				t.Errorf("it allows %v", w.trust("gru1").Grant)
			}
		})
	}
}

// TestOperatorFileIsOurs refuses one that others can write.
func TestOperatorFileIsOurs(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it has no such modes
	}
	dir := tree(t, map[string]string{"op.hcl": "", "sites/x": ""})
	g, _ := quiet()
	g.operator = filepath.Join(dir, "op.hcl")
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o644: true, 0o440: true, 0o620: false, 0o602: false, 0o666: false} {
		if err := os.Chmod(g.operator, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := g.operatorWord(filepath.Join(dir, "sites"), toRead); (err == nil) != fine {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

// TestOperatorWayIsOurs refuses one in whose place others can put another file.
func TestOperatorWayIsOurs(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it has no such modes
	}
	for name, c := range map[string]struct {
		change string // what of the tree
		mode   os.FileMode
		owner  int
		says   string // "": it is fine
	}{
		"as it should be":           {"up/conf", 0o755, 0, ""},
		"its folder, for all":       {"up/conf", 0o777, 0, "up/conf is 0777"},
		"its folder, for the group": {"up/conf", 0o775, 0, "up/conf is 0775"},
		"its folder, sticky":        {"up/conf", 0o777 | os.ModeSticky, 0, "folder of your own"},
		"above":                     {"up", 0o777, 0, "up is 0777"},
		"above, for the group":      {"up", 0o770, 0, "up is 0770"},
		"above, sticky":             {"up", 0o777 | os.ModeSticky, 0, ""},
		"around the link":           {"links", 0o777, 0, "links is 0777"},
		"around the link, sticky":   {"links", 0o777 | os.ModeSticky, 0, ""},
		"beside the way":            {"sites", 0o777, 0, ""},
		"the file, another's":       {"up/conf/op.hcl", 0o600, 4711, "op.hcl is of another user (4711)"},
		"the folder, another's":     {"up/conf", 0o755, 4711, "conf is of another user (4711)"},
		"above, another's":          {"up", 0o755, 4711, "up is of another user (4711)"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.owner != 0 && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			dir := tree(t, map[string]string{"up/conf/op.hcl": "", "sites/x": "", "links/op.hcl": "-> ../up/conf/op.hcl"})
			if err := os.Chmod(filepath.Join(dir, c.change), c.mode); err != nil {
				t.Fatal(err)
			}
			if c.owner != 0 {
				if err := os.Chown(filepath.Join(dir, c.change), c.owner, -1); err != nil {
					t.Fatal(err)
				}
			}
			g, _ := quiet()
			g.operator = filepath.Join(dir, "links/op.hcl")
			_, err := g.operatorWord(filepath.Join(dir, "sites"), toRead)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// TestOperatorFileIsNoDevice advises no chmod of one.
func TestOperatorFileIsNoDevice(t *testing.T) {
	g, _ := quiet()
	g.operator = os.DevNull
	_, err := g.operatorWord(tree(t, map[string]string{"x": ""}), toRead)
	if err == nil || !strings.Contains(err.Error(), "not a regular file") || strings.Contains(err.Error(), "chmod") {
		t.Errorf("got %v", err)
	}
}

// TestOperatorPath: the flag, then the environment, then home.
func TestOperatorPath(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	g, _ := quiet()
	env := ""
	g.std.env = func(string) string { return env }
	check := func(want string, given bool) {
		t.Helper()
		if name, is, err := g.operatorPath(); name != want || is != given || err != nil {
			t.Errorf("got %s, %t, %v", name, is, err)
		}
	}
	check("/home/x/.config/raiz/operator.hcl", false)
	env = "/env.hcl"
	check("/env.hcl", true)
	g.operator = "/flag.hcl"
	check("/flag.hcl", true)
}

// enrolled is what stands in both files after an enrolment.
type enrolled struct {
	code           exitCode
	said           string
	site, operator string
	mode           os.FileMode // of the operator file
}

func enrollIn(t *testing.T, dir string, e enrollOptions, pins site.Pins) enrolled {
	t.Helper()
	g, said := quiet()
	g.operator = filepath.Join(dir, "conf", "raiz", "operator.hcl")
	file := filepath.Join(dir, "sites", "gru1.hcl")
	s := &site.Site{Name: "gru1", Pos: site.Pos{File: file}, BMC: &site.BMC{Fingerprint: "sha256:" + strings.Repeat("0", 64)}}
	w, err := g.operatorWord(file, toWrite)
	if err == nil {
		err = e.write(g, s, &w, pins)
	}
	out := enrolled{code: codeIn(err), said: said.String()}
	if err != nil {
		out.said += err.Error()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out.site = string(text)
	if st, err := os.Stat(g.operator); err == nil {
		text, err := os.ReadFile(g.operator)
		if err != nil {
			t.Fatal(err)
		}
		out.operator, out.mode = string(text), st.Mode().Perm()
	}
	return out
}

const (
	bareSite   = "site \"gru1\" {\n  bmc {\n    username = \"raiz\"\n  }\n  server {\n    ssh {\n      user = \"root\"\n    }\n  }\n}\n"
	newPins    = "site \"gru1\" {\n  known_hosts      = <<-EOT\n    gru1 " + pinnedKey + "\n  EOT\n  bmc_certificates = [\"" + shownPrint + "\"]\n}\n"
	operatorAt = "conf/raiz/operator.hcl"
)

// TestEnrollWritesOperatorFile makes it, or adds to it; what stands there stays.
func TestEnrollWritesOperatorFile(t *testing.T) {
	pins := site.Pins{Certificate: shownPrint, HostKey: pinnedKey}
	const odd = "# mine, with\ttabs  \nsite   \"eze1\"{\n env=[\"A\"]\n}" // no newline at the end
	for name, c := range map[string]struct{ before, after string }{
		"absent":      {"", newPins},
		"there":       {"# mine\n", "# mine\n\n" + newPins},
		"odd layout":  {odd, odd + "\n\n" + newPins},
		"there twice": {newPins, newPins},
		"for all":     {strings.Replace(newPins, `"gru1"`, `"gru*"`, 1), strings.Replace(newPins, `"gru1"`, `"gru*"`, 1)},
		"for others":  {strings.Replace(newPins, `"gru1"`, `"eze1"`, 1), strings.Replace(newPins, `"gru1"`, `"eze1"`, 1) + "\n" + newPins},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"sites/gru1.hcl": bareSite}
			if c.before != "" {
				files[operatorAt] = c.before
			}
			dir := tree(t, files)
			for range 2 { // the second time nothing changes
				got := enrollIn(t, dir, enrollOptions{}, pins)
				if got.code != exitDone || got.operator != c.after || !strings.Contains(got.site, shownPrint) || !strings.Contains(got.site, pinnedKey) {
					t.Fatalf("exit %d: %s\n%s", got.code, got.said, got.operator)
				}
				if got.mode != 0o600 {
					t.Errorf("its mode is %04o", got.mode)
				}
			}
			if st, err := os.Stat(filepath.Join(dir, "conf", "raiz")); err != nil || st.Mode().Perm() != 0o700 {
				t.Errorf("its folder: %v, %v", st.Mode(), err)
			}
		})
	}
}

// TestEnrollWritesBothOrNone loses nothing when one of the two cannot be
// written.
func TestEnrollWritesBothOrNone(t *testing.T) {
	pins := site.Pins{Certificate: shownPrint, HostKey: pinnedKey}
	for name, c := range map[string]struct {
		locked, says string
		files        map[string]string
	}{
		"operator file read-only": {operatorAt, "read-only", map[string]string{operatorAt: "# mine\n"}},
		"site file read-only":     {"sites/gru1.hcl", "read-only", map[string]string{operatorAt: "# mine\n"}},
		"operator file broken":    {"", "not valid", map[string]string{operatorAt: "site {"}},
		"no block to write into":  {"", "nothing is written", map[string]string{operatorAt: "# mine\n", "sites/gru1.hcl": "site \"gru1\" {\n}\n"}},
		"another pin there":       {"", "nothing is written", map[string]string{operatorAt: "# mine\n", "sites/gru1.hcl": strings.Replace(bareSite, "user = \"root\"", "host_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDIoysGOzoaSHDTNPeLWHo9XSE9jO35Z/yiRyNJbXes1\"", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"sites/gru1.hcl": bareSite}
			for name, text := range c.files {
				files[name] = text
			}
			dir := tree(t, files)
			if c.locked != "" {
				if err := os.Chmod(filepath.Join(dir, c.locked), 0o400); err != nil {
					t.Fatal(err)
				}
			}
			got := enrollIn(t, dir, enrollOptions{}, pins)
			if got.code != exitUsage || !strings.Contains(got.said, c.says) {
				t.Errorf("exit %d: %s", got.code, got.said)
			}
			if got.site != files["sites/gru1.hcl"] || got.operator != files[operatorAt] {
				t.Errorf("something is written:\n%s\n%s", got.site, got.operator)
			}
		})
	}
}

// TestEnrollReplaces puts a new machine's pin in the place of the old one's, so
// that the old machine is not trusted any more.
func TestEnrollReplaces(t *testing.T) {
	old := "sha256:" + strings.Repeat("0", 64)
	text := "site \"gru1\" {\n  # the first one\n  bmc_certificates = [\"" + old + "\"]\n}\n"
	dir := tree(t, map[string]string{
		"sites/gru1.hcl": strings.Replace(bareSite, "username = \"raiz\"", "certificate = \""+old+"\"", 1), "dot/op.hcl": text, "conf/raiz/x": "",
		operatorAt: "-> ../../dot/op.hcl",
	})
	pins := site.Pins{Certificate: shownPrint}
	if got := enrollIn(t, dir, enrollOptions{}, pins); got.code != exitUsage || got.operator != text {
		t.Errorf("without --replace: exit %d: %s", got.code, got.operator)
	}
	got := enrollIn(t, dir, enrollOptions{replace: true}, pins)
	if want := strings.Replace(text, old, shownPrint, 1); got.code != exitDone || got.operator != want || strings.Contains(got.site, old) {
		t.Errorf("exit %d: %s\n%s", got.code, got.operator, got.said)
	}
	if to, err := os.Readlink(filepath.Join(dir, operatorAt)); err != nil || to != "../../dot/op.hcl" {
		t.Errorf("the link is gone: %s, %v", to, err)
	}
}
