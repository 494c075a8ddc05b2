// Package governor decides what a robot may do next, and which robot has to go
// when robots keep each other busy without a human.
//
// A seat is one robot in one wavelet; a bundle is one delivery to a seat; an
// answer is a bundle whose response changes a wavelet; a cause is the chain of
// deltas that one human message set off. For each seat the governor keeps exact
// sliding windows of bundles delivered and answered; for each robot the requests
// it made; for each cause who answered and how often; between seats, who
// triggered whom. From these it derives a Verdict: go on, wait, refuse, warn, or
// act on a seat, with the Evidence that people are shown.
//
// A bundle may hold deltas of several robots, and then nobody can say which of
// them its answer answers. A seat's voices tell whom it heeds and whom it ignores
// when they are alone; only what it may have answered counts as its cause, and a
// deep chain convicts only on a cycle of robots that were seen to answer each
// other. What a robot writes without naming a bundle is assumed to answer one that
// it was sent within a minute. A link that is only assumed convicts nobody, unless
// holds have shown that the robot depends on what robots write: see habit, and
// Governor.holdBack.
//
// What comes from another server says nothing of its cause. Where a robot and
// somebody there answer each other without pause, the robot's answers are held
// for a while, twice or more: a Verdict of Answer then has a Delay. Whoever falls
// silent each time, and takes up again when the answers come, is a robot too.
//
// The package only decides. Carrying a verdict out (removing a robot, writing
// the notice, dropping what is queued) is the gateway's work. It reads no clock:
// every method takes the instant, so a simulator and a server drive the same
// code, and a clock that runs faster is as good as any.
//
// A Governor is safe for use by many goroutines; one mutex guards all of it, no
// method blocks on anything else, and the ordinary decision allocates nothing.
package governor
