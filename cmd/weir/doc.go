// Command weir is the server and everything around it: one binary.
//
//	weir serve       run the server (run.go builds it, starts it, and closes it in reverse)
//	weir robots      register robots and look after them, by the REST API of a running server
//	weir wave        make wavelets, read them, write to them, by hand
//	weir decisions   what the governor decided, and why
//	weir drill       two robots that loop on purpose, on a running server: proof that the guard is on
//	weir policies    show profiles; check, compare, try and apply policy files
//	weir simulate    scenarios in virtual time
//	weir testbot     run one of the robots of package testbots
//	weir demo        two echo robots in a wavelet: watch the loop being caught
//	weir bench       figures beside their bars
//
// This package is the top floor: it knows every other package, and nothing
// knows it. What ties the house together is here and only here: the ring host
// to gateway to host, the roster that the gateway sees of the robots' directory,
// and the file that names the profiles.
//
// Exit codes: 0 done; 1 it failed, or what was asked for did not hold; 2 a
// benchmark could not be measured; 80 the command line is wrong.
package main
