package site_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/raiz-dns/raiz/provision/site"
)

// What no site file may take, whatever is in it. The time is for a slow machine
// with other work; what is not bounded takes hours.
const (
	longest = time.Minute
	most    = 768 << 20
)

// costly are site files that cost what a stranger likes, and what is said of
// them.
func costly() map[string]struct{ text, want string } {
	locals := func(lines ...string) string { return "locals {\n" + strings.Join(lines, "\n") + "\n}\n" }
	kilo := strings.Repeat("x", 1000)
	long := `a = "` + strings.Repeat("x", 60_000) + `"`
	numbers := "n = flatten([for a in range(40): [for b in range(1000): \"${a}-${b}\"]])"
	return map[string]struct{ text, want string }{
		"for in for":             {locals("x = [for a in range(1024): [for b in range(1024): [for c in range(1024): c]]]"), "expression too costly"},
		"for in for, condition":  {locals("x = [for a in range(1024): a if length([for b in range(1024): [for c in range(1024): c]]) == 0]"), "expression too costly"},
		"for in for, objects":    {locals("x = { for a in range(1024): a => { for b in range(1024): b => { for c in range(1024): c => c } } }"), "expression too costly"},
		"for in for, groups":     {locals("x = { for a in range(1024): 1 => [for b in range(1024): [for c in range(1024): c]]... }"), "expression too costly"},
		"for in for, not chosen": {locals("x = length([for a in range(1024): [for b in range(1024): [for c in range(1024): c]]]) > 0 ? 1 : 2"), "expression too costly"},
		"for in an argument":     {"site \"a\" {\n  lab = length([for a in range(1024): [for b in range(1024): [for c in range(1024): c]]]) > 0\n}\n", "expression too costly"},
		"templates":              {locals(`x = "%{for a in range(1024)}%{for b in range(1024)}%{for c in range(1024)}x%{endfor}%{endfor}%{endfor}"`), "expression too costly"},
		"splats":                 {locals("a = [for i in range(60000 / 60): { b = range(60) }]", "x = [for i in range(1024): local.a[*].b[*]]"), "expression too costly"},
		"text that grows":        {locals(`x = join("", [for a in range(1024): join("", [for b in range(1024): "` + kilo + `"])])`), "expression too costly"},
		"text twice":             {locals(long, "b = \""+strings.Repeat("${local.a}", 16)+"\"", "x = length(\""+strings.Repeat("${local.b}", 2000)+"\")"), "expression too costly"},
		"a long separator":       {locals(long, `x = join(local.a, [for a in range(1024): "b"])`), "expression too costly"},
		"format, a long text":    {locals(long, `x = format("`+strings.Repeat("%[1]s", 2_000)+`", local.a)`), "expression too costly"},
		"format, a width":        {locals(`y = format(join("", [for i in range(1000): "` + strings.Repeat("%[1]999d", 50) + `"]), 1)`), "expression too costly"},
		"a text of many pieces":  {locals(`x = "` + strings.Repeat("%a", 200_000) + `"`), "text too long"},
		"a text of many lines":   {locals("x = <<EOT\n" + strings.Repeat("a\n", 200_000) + "EOT"), "text too long"},
		"replace":                {locals(long, `x = replace(local.a, "x", local.a)`), "expression too costly"},
		"replace nothing":        {locals(long, `x = replace(local.a, "", local.a)`), "expression too costly"},
		"replace by a pattern":   {locals(long, `x = replace(local.a, "/(x{1000}){0,1}y/", "")`), "expression too costly"},
		"a pattern's groups":     {locals(long, `x = replace(local.a, "/(x*)/", "`+strings.Repeat("$1", 2_000)+`")`), "expression too costly"},
		"trim":                   {locals(long, `x = trim(local.a, "`+strings.Repeat("é", 50_000)+`x")`), "expression too costly"},
		"networks":               {locals(`x = [for a in range(1024): [for b in range(1024): cidrsubnet("2001:db8::/32", 32, a * 1024 + b)]]`), "expression too costly"},
		"distinct":               {locals(numbers, "x = distinct(local.n)"), "expression too costly"},
		"a set":                  {locals(numbers, "x = toset(local.n)"), "expression too costly"},
		"a list in each turn":    {locals(numbers, "x = [for a in range(1024): length(local.n)]"), "expression too costly"},
		"a list, often":          {locals(numbers) + "site \"a\" {\n  lab = [" + strings.Repeat("local.n, ", 50_000) + "]\n}\n", "expression too costly"},
		"a list, compared":       {locals(numbers, "x = [for a in range(1024): local.n == local.n]"), "expression too costly"},
		"a long number":          {locals(`x = "${1e600000000}"`), "number out of range"},
		"a long number, small":   {locals(`x = "${1e-600000000}"`), "number out of range"},
		"a long number, made":    {locals(`x = "n${tonumber("1e600000000")}"`), "number out of range"},
		"numbers that grow":      {locals("a = 1e300", `x = "${local.a * local.a * local.a * local.a}"`), "number out of range"},
		"a number as text":       {"site \"a\" {\n  operator = 1e600000000\n}\n", "number out of range"},
		"wrong lines":            {"site \"a\" {\n" + lines(80_000, "  x%d = 1\n") + "}\n", "unsupported argument"},
		"wrong references":       {"site \"a\" {\n" + lines(50_000, "  x%d = local.y\n") + "}\n", "unsupported argument"},
		"wrong locals":           {locals(lines(9_000, "  x%d = local.y%[1]d\n")), "unknown local value"},
		"secrets in a line":      {"site \"a\" {\n  bmc {\n    password = " + strings.Repeat("password = ", 80_000) + "\"x\"\n  }\n}\n", ""},
		"secrets in calls":       {"site \"a\" {\n  bmc {\n    password = " + strings.Repeat("env(password = ", 60_000) + "\"x\"\n  }\n}\n", ""},
		"addresses":              {locals(`a = flatten([for a in range(10): [for b in range(256): "192.0.${a}.${b}/24"]])`) + "site \"a\" {\n  bmc {\n    addresses = local.a\n  }\n}\n", "list too long"},
		"zones":                  {"site \"a\" {\n  dns {\n" + lines(30_000, "zone \"z%d\" {\n}\n") + "  }\n}\n", "too many blocks"},
		"labels":                 {lines(9_000, "site \"s%d\" {\n}\n"), "more problems"},
	}
}

// lines are n lines, each with its number.
func lines(n int, layout string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, layout, i)
	}
	return b.String()
}

// TestCost: what a file costs is bounded, and is said where it is.
func TestCost(t *testing.T) {
	for name, tt := range costly() {
		t.Run(name, func(t *testing.T) {
			diags := within(t, site.Options{Operators: os.DirFS("../../templates/operators")}, fstest.MapFS{"in.hcl": {Data: []byte(tt.text)}})
			if !diags.HasErrors() {
				t.Fatal("no error")
			}
			found := tt.want == ""
			for _, d := range diags {
				if found = found || d.Summary == tt.want && (d.Pos.Line > 0 || d.Rule == ""); len(d.Source) > 300 || len(d.Detail) > 1000 {
					t.Errorf("a problem is told in %d bytes", len(d.Source)+len(d.Detail))
				}
			}
			if !found || len(diags) > 1001 {
				t.Errorf("want %q in: %.600s", tt.want, text(diags))
			}
		})
	}
}

// within loads site files in the time and memory that there are.
func within(t *testing.T, opt site.Options, files fstest.MapFS) site.Diagnostics {
	t.Helper()
	done := make(chan site.Diagnostics, 1)
	began, peak := time.Now(), uint64(0)
	runtime.GC()
	go func() {
		_, diags := site.Load(files, ".", opt)
		done <- diags
	}()
	for {
		select {
		case diags := <-done:
			t.Logf("%s, %d MiB", time.Since(began).Round(time.Millisecond), peak>>20)
			return diags
		case <-time.After(20 * time.Millisecond):
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if peak = max(peak, m.HeapAlloc); peak > most {
			t.Fatalf("%d MiB after %s", peak>>20, time.Since(began))
		}
		if time.Since(began) > longest {
			t.Fatalf("no end after %s", time.Since(began))
		}
	}
}

// TestCostOfAll: what each file may cost, many together may not.
func TestCostOfAll(t *testing.T) {
	files := fstest.MapFS{}
	for i := range 200 {
		text := fmt.Sprintf("site \"s%d\" {\n  lab = length(flatten([for a in range(300): [for b in range(250): b]])) > 0\n  operator = length(flatten([for a in range(300): [for b in range(250): b]]))\n}\n", i)
		files[fmt.Sprintf("s%d.hcl", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	diags := within(t, operators(), files)
	if s := text(diags); !strings.Contains(s, "site files too costly") || !strings.Contains(s, "33554432 steps") {
		t.Errorf("got %.500s", s)
	}
}

// TestInterrupted: who waits no longer is not kept waiting.
func TestInterrupted(t *testing.T) {
	done := make(chan struct{})
	close(done)
	opt := operators()
	opt.Done = done
	if s := text(within(t, opt, manySites(t, 3))); !strings.HasPrefix(s, ".:0:0: error: interrupted [file]") {
		t.Errorf("got %s", s)
	}
}
