// Package sim is a server that does not exist: a disk that forgets what was not
// flushed, a systemd that starts what is linked and runs what it has read, a
// kernel's addresses and routes, and the four managers that quarrel over them.
// helper.OS is implemented by it, so that the transaction runs here as it runs
// on a machine, and ends at every call that it makes.
//
// How daemons behave was seen on real ones (Debian 12, systemd 252, ifupdown
// 0.8.41, NetworkManager 1.42); where a manual says otherwise, what was seen
// counts. Nothing here knows what the transaction does, or how.
//
// Start reading at Machine; Explore is what it is for.
package sim
