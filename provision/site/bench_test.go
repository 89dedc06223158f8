package site_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/provision/site"
)

// manySites returns a folder with n site files, each as long as the example.
func manySites(tb testing.TB, n int) fstest.MapFS {
	tb.Helper()
	text, err := os.ReadFile("../../sites/as112-gru1.hcl")
	if err != nil {
		tb.Fatal(err)
	}
	_, block, ok := bytes.Cut(text, []byte("\nsite "))
	if !ok {
		tb.Fatal("the example has no site")
	}
	folder := fstest.MapFS{"locals.hcl": {Data: bytes.TrimSuffix(text, append([]byte("\nsite "), block...))}}
	for i := range n {
		one := bytes.Replace(block, []byte(`"as112-gru1"`), fmt.Appendf(nil, `"as112-s%d"`, i), 1)
		folder[fmt.Sprintf("s%04d.hcl", i)] = &fstest.MapFile{Data: append([]byte("site "), one...)}
	}
	return folder
}

// The budget is 2 s and 256 MiB for 2,000 files on two cores.
func BenchmarkLoad2000(b *testing.B) { benchmarkLoad(b, 2000) }

// A quarter of the files has to take about a quarter of the time.
func BenchmarkLoad500(b *testing.B) { benchmarkLoad(b, 500) }

func benchmarkLoad(b *testing.B, n int) {
	folder := manySites(b, n)
	b.ReportAllocs()
	for b.Loop() {
		sites, diags := site.Load(folder, ".", operators())
		if len(sites) != n || len(diags) != 0 {
			b.Fatalf("%d sites, %v", len(sites), diags)
		}
	}
	b.StopTimer()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapSys+mem.StackSys)/(1<<20), "MiB-peak")
}
