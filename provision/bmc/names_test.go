package bmc_test

import (
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
)

// TestNamesAreTheSites: a site can leave every setting alone that there is, and
// no other.
func TestNamesAreTheSites(t *testing.T) {
	equal(t, site.BMCSettings(), slices.Sorted(slices.Values(bmc.SettingNames())))
}
