// Package faultstest runs a program and lets one chosen system call on its files go wrong: the
// program is killed there, or the call gives an error or takes long. With n = 1, 2, 3 and so on
// every point at which the program changes its files is tried.
//
// It does what strace's -e inject does, but counts calls over all threads of the program:
// strace counts those of each thread by itself, so that of a Go program, whose work moves from
// thread to thread, many points would never be met.
package faultstest
