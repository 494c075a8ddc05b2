// Command weir is the server and everything around it: one binary.
//
//	weir serve        run the server (build.go builds it, run.go starts it, and closes it in reverse)
//	weir robots       register robots and look after them, by the REST API of a running server
//	weir grants       show and end what people have allowed programs
//	weir connections  who is connected; close sockets
//	weir block        people, robots and networks that are not let in
//	weir trace        what a person or a robot does, as it happens
//	weir revoke       make a person's login tokens void
//	weir wave         make wavelets, read them, write to them, by hand
//	weir import       bring in what was written elsewhere
//	weir decisions    what the governor decided, and why
//	weir drill        two robots that loop on purpose, on a running server: proof that the guard is on
//	weir policies     show profiles; check, compare, try and apply policy files
//	weir admission    show and set who is let in, and how often
//	weir simulate     scenarios in virtual time, or against a real server
//	weir testbot      run one of the robots of package testbots
//	weir mcp          let a language model take part, over standard input and output
//	weir demo         robots in a wavelet: watch a loop being caught
//	weir bench        figures beside their bars
//	weir version      show the version
//
// This package is the top floor: it knows every other package, and nothing
// knows it. What ties the house together is here and only here: the ring host
// to gateway to host, the roster that the gateway sees of the robots' directory,
// and the file that names the profiles.
//
// Exit codes: 0 done; 1 it failed, or what was asked for did not hold; 2 a
// benchmark could not be measured; 80 the command line is wrong.
package main
