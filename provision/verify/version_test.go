package verify_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/verify"
)

// TestVersions compares what controllers write, those of the saved trees among
// them: "<", "=", ">", or "?" where nobody can tell.
func TestVersions(t *testing.T) {
	for _, tt := range []struct{ have, want, order string }{
		{"7.10.30.00", "7.10.50.00", "<"},
		{"7.10.50.00", "7.10.50.00", "="},
		{"7.20.10.05", "7.10.50.00", ">"},
		{"7.9.0.0", "7.10.0.0", "<"},
		{"10.0", "9.99", ">"},
		{"7.10", "7.10.0.0", "="},
		{"7.10", "7.10.50", "<"},
		{"7.10.50", "7.10", ">"},
		{"11.01.01", "11.1.1", "="},
		{"4.0", "4", "="},
		{"4", "4.1", "<"},
		{"99999999999999999999999999.1", "99999999999999999999999998.2", ">"},
		{"00000000000000000000000000000001.0", "2", "<"},

		{"3.4a", "3.4b", "<"},
		{"3.4B", "3.4a", ">"},
		{"3.4a", "3.4A", "="},
		{"3.5", "3.4b", ">"},
		{"3.4a", "3.5", "<"},
		{"3.4a", "3.4", "?"},
		{"3.4", "3.4a", "?"},
		{"3.4aa", "3.5", "?"},
		{"3.a", "3.5", "?"},

		{"iLO 5 v2.46", "iLO 5 v2.72", "<"},
		{"iLO 5 v3.11", "2.72", ">"},
		{"iLO 5 v2.72", "2.72", "="},
		{"iLO 6 v1.66", "iLO 5 v2.72", "?"},
		{"2.72 Jun 2023", "2.72", "="},
		{"2.72 Jun 2023", "2.72 May 2023", ">"},
		{"2.72 Apr 2023", "2.72 May 2023", "<"},
		{"2.80 Jan 2020", "2.72 May 2023", ">"},
		{"2.72", "2.72 May 2023", "?"},
		{"iLO 5 v2.72", "2.72 Jun 2023", "?"},
		{"2.72 build 4", "2.72 build 5", "?"},
		{"TGBT20E 1.40 2021-05-17", "1.40", "="},
		{"TGBT20E 1.40 2021-05-17", "1.50", "<"},
		{"TGBT20E 1.40 2021-05-17", "TGBT30F 1.50 2022-01-01", "?"},
		{"TGBT20E 1.40 2021-05-17", "tgbt20e 1.40 2021-05-18", "<"},

		{"2.15.0-dev-686-g100c36de90", "2.14.0", ">"},
		{"2.14.0-dev-686-g100c36de90", "2.14.0", "<"},
		{"2.14.0", "2.14.0-dev-686-g100c36de90", ">"},
		{"2.14.0-dev-686-g100c36de90", "2.14.0-dev-700-gffffffffff", "<"},
		{"2.14.0-dev-1000-g100c36de90", "2.14.0-dev-700-gffffffffff", ">"},
		{"2.14.0-dev", "2.14.0-rc1", "?"},
		{"2.14.0-rc1", "2.14.0", "<"},
		{"2.14.0-43-gabc", "2.14.0", ">"},
		{"v2.14.0", "2.14.0", "="},
		{"BF-23.10-4", "BF-23.10-3", ">"},
		{"BF-23.10-4", "23.10", ">"},
		{"BF-23.10-4", "GB200Nvl-23.10-3", "?"},
		{"GB200Nvl-24.12-8", "GB200Nvl-24.12-10", "<"},
		{"1.45.455b66-rev4", "1.45.455b66-rev4", "="},
		{"1.45.455b66-rev4", "1.44", ">"},
		{"1.45.455b66-rev4", "1.45.455b67", "?"},
		{"1.45.455b66-rev4", "1.45.455b66", "?"},
		{"1.93.870cf4f0", "1.93.1", "?"},
		{"1.93.870cf4f0", "1.94", "<"},

		{"P79 v1.45 (12/06/2017)", "P79 v1.45 (12/06/2017)", "="},
		{"A43 v2.52 (10/29/2021)", "2.60", "<"},
		{"A43 v2.52 (10/29/2021)", "A43 v2.52 (11/29/2021)", "<"},
		{"A43 v2.52 (10/29/2021)", "U46 v2.34", "?"},
		{"ex235a.bios-1.3.6", "1.3.7", "<"},
		{"U8E112A", "U8E112A", "="},
		{"U8E112A", "U8E113A", "?"},
		{"C27", "C28", "?"},
		{"C27", "27", "?"},
		{"SE5C620.86B.02.01.0008.C0001.031920191559", "2.1", "?"},
		{"", "1.0", "?"},
		{"-", "1.0", "?"},
		{"1.0", "the newest", "?"},
		{"1..0", "1.0", "?"},
		{"1.-", "1.0", "?"},
		{"7.10.50.00 ", "7.10.50.00", "="},
	} {
		got := "?"
		if order, ok := verify.CompareVersions(tt.have, tt.want); ok {
			got = string("<=>"[order+1])
		}
		if got != tt.order {
			t.Errorf("%q %s %q, want %s", tt.have, got, tt.want, tt.order)
		}
	}
}

// FuzzVersions: whatever a controller writes, the same is the same, and the other
// way round the answer is turned round where nothing but numbers is compared.
func FuzzVersions(f *testing.F) {
	f.Add("iLO 5 v2.72 Jun 2023", "2.14.0-dev-686-g100c36de90")
	f.Add("GB200Nvl-24.12-8", "GB200Nvl-24.12-10")
	f.Fuzz(func(t *testing.T, a, b string) {
		if order, ok := verify.CompareVersions(a, a); !ok || order != 0 {
			t.Errorf("%q is not itself", a)
		}
		there, ok := verify.CompareVersions(a, b)
		back, also := verify.CompareVersions(b, a)
		if ok && also && there != -back {
			t.Errorf("%q and %q: %d, and %d", a, b, there, back)
		}
	})
}
