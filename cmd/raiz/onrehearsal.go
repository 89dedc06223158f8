//go:build linux

package main

import (
	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
)

// onRehearsal returns the rehearsed copy of a site in place of the real one.
// It needs neither secrets nor an operator file: it has made ones.
func (t *target) onRehearsal(s *site.Site, o provision.Options) (*site.Site, provision.Options, provision.Vantages, error) {
	testbed, err := rehearse.Find(t.rehearsal)
	if err == nil {
		err = testbed.Adopt(s)
	}
	if err != nil {
		return nil, provision.Options{}, provision.Vantages{}, exit(exitUsage, err)
	}
	return testbed.Site, provision.OnTestbed(o, testbed), provision.TestbedVantages(testbed), nil
}
