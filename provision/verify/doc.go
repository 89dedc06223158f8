// Package verify checks a copy: whether BMC, server, routing and DNS are as
// the site declares, and whether the neighbor sees exactly the blocks.
//
// It works in two steps. Gather looks, from every vantage it is given, and
// collects Evidence. Judge is pure: site and evidence give the results. It
// compares the machines with the site and not with rendered files, so it can
// catch a rendering that is wrong.
//
// The checks are a tree: when a check has not passed, those that need it are
// skipped and say because of which. A check that has nothing to be about never
// passes. Each group of checks has a file of its own, check_GROUP.go, with the
// codes of what it says and what it wants to be looked at on the server, and
// one line in groups. They are no package of their own: checks and Gather share
// the evidence, and Gate and Served judge answers by the same rules.
//
// Nothing here is said in words: provision/report has them. Start reading at
// Judge.
package verify
