package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutantTime is after what a mutant goes on for ever.
const mutantTime = 90 * time.Second

// rounds are what of the exploration each mutant is put through until a promise
// is broken: cases by a part of their names, and worlds as in RAIZ_EXPLORE, of
// which those cases get their share. What managers of links do is seen by the
// others alone.
func rounds(what string) [][2]string {
	out := [][2]string{{"/networkd", "5000"}}
	for _, file := range []string{"owner.go", "taken.go", "takeover.go", "giveback.go", "links.go"} {
		if strings.HasPrefix(what, file) {
			out = append(out, [2]string{"/ifupdown", "3000"}, [2]string{"/networkmanager", "3000"}, [2]string{"/netplan-lease", "3000"})
		}
	}
	return out
}

// verdict is what became of a mutant: killed, hangs or survived.
type verdict struct{ What, End string }

// figures are what docs/figures.json has of mutants. One that hangs was seen.
type figures struct {
	Killed    int      `json:"killed"`
	Hangs     int      `json:"hangs"`
	Survived  int      `json:"survived"`
	Survivors []string `json:"survivors"`
}

// TestMutants runs the exploration over each mutant of the transaction. It is
// for `make mutants`, and names those that nobody has noticed. RAIZ_MUTANTS is 1
// or part of a name of a file and a line; RAIZ_MUTANTS_OUT a file for what docs
// quote, as JSON.
func TestMutants(t *testing.T) {
	only := os.Getenv("RAIZ_MUTANTS")
	if only == "" {
		t.Log("this is for make mutants")
		return
	}
	program, all := buildMutants(t)
	if end := tryMutant(t, program, 0, "owner.go"); end != "survived" {
		t.Fatalf("without any mutant: %s", end)
	}
	ends := make([]verdict, len(all))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				ends[i] = verdict{all[i], tryMutant(t, program, i+1, all[i])}
				t.Logf("%s: %s", ends[i].End, ends[i].What)
			}
		})
	}
	for i, what := range all {
		if only == "1" || strings.Contains(what, only) {
			next <- i
		}
	}
	close(next)
	workers.Wait()
	var f figures
	for _, v := range ends {
		switch v.End {
		case "killed":
			f.Killed++
		case "hangs":
			f.Hangs++
		case "survived":
			f.Survived++
			f.Survivors = append(f.Survivors, v.What)
		}
	}
	t.Logf("%d mutants: %d killed, %d hang, %d survived", len(all), f.Killed, f.Hangs, f.Survived)
	if f.Killed == 0 {
		t.Error("no mutant was seen")
	}
	keepFigures(t, os.Getenv("RAIZ_MUTANTS_OUT"), f)
}

// keepFigures writes what docs quote, where a file is named for it.
func keepFigures(t *testing.T, file string, v any) {
	if file == "" {
		return
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// buildMutants builds one program of this package's tests that holds all
// mutants.
func buildMutants(t *testing.T) (program string, all []string) {
	dir := t.TempDir()
	m := &mutator{}
	replace := map[string]string{}
	put := func(path string, text []byte) {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	for _, name := range []string{"activate.go", "apply.go", "before.go", "boot.go", "confirm.go", "difference.go", "giveback.go", "helper.go", "links.go", "owner.go", "putback.go", "revert.go", "rollback.go", "stage.go", "standing.go", "store.go", "taken.go", "takeover.go"} {
		path, err := filepath.Abs("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := m.mutate(name, src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		put(path, text)
	}
	path, err := filepath.Abs("../switchboard.go")
	if err != nil {
		t.Fatal(err)
	}
	put(path, []byte(switchboard))
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	put("overlay.json", text)
	program = filepath.Join(dir, "mutants.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program, m.what
}

// tryMutant explores with one mutant.
func tryMutant(t *testing.T, program string, n int, what string) string {
	ctx, cancel := context.WithTimeout(t.Context(), mutantTime)
	defer cancel()
	for _, r := range rounds(what) {
		cmd := exec.CommandContext(ctx, program, "-test.run", "TestExplore$", "-test.failfast", "-test.short")
		cmd.Env = append(os.Environ(), fmt.Sprintf("RAIZ_MUTANT=%d", n), "RAIZ_CASE="+r[0], "RAIZ_EXPLORE="+r[1], "RAIZ_FIRST=1", "RAIZ_MUTANTS=", "GOMAXPROCS=1")
		out, err := cmd.CombinedOutput()
		switch {
		case ctx.Err() != nil:
			return "hangs"
		case err == nil:
			continue
		case n == 0:
			t.Logf("%s", out)
		}
		return "killed"
	}
	return "survived"
}
