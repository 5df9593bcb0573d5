//! Signals by name.
#![forbid(unsafe_code)]

use std::fmt;

/// A signal: a number from 1 to 64, with names for those that every Linux has.
///
/// # Examples
/// ```
/// use gosched::signal::Signal;
///
/// assert_eq!(Signal::INT.to_string(), "SIGINT");
/// assert_eq!(Signal::from_number(15), Some(Signal::TERM));
/// ```
///
/// Go: os.Signal, syscall.Signal
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $number:ident;)*) => {
        impl Signal {
            $($(#[$doc])* pub const $name: Signal = Signal(libc::$number);)*

            /// Its name, `SIGINT` and so on, if it has one here.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $(libc::$number => Some(stringify!($number)),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    /// The terminal has gone; by custom: read the configuration again.
    HUP = SIGHUP;
    /// Ctrl-C.
    INT = SIGINT;
    /// Ctrl-\: the runtime writes every goroutine and ends the process, if the program does not want it.
    QUIT = SIGQUIT;
    /// An abort.
    ABRT = SIGABRT;
    /// For the program's own use.
    USR1 = SIGUSR1;
    /// For the program's own use.
    USR2 = SIGUSR2;
    /// A write to a pipe that nobody reads. Rust programs begin with this ignored.
    PIPE = SIGPIPE;
    /// A timer of `alarm`.
    ALRM = SIGALRM;
    /// The program shall end.
    TERM = SIGTERM;
    /// A child process has ended, or stopped.
    CHLD = SIGCHLD;
    /// The process goes on after a stop.
    CONT = SIGCONT;
    /// Ctrl-Z.
    TSTP = SIGTSTP;
    /// A read from the terminal in the background.
    TTIN = SIGTTIN;
    /// A write to the terminal in the background.
    TTOU = SIGTTOU;
    /// Urgent data at a socket. The runtime preempts goroutines with it; what others send is heard of.
    URG = SIGURG;
    /// More CPU time than the limit.
    XCPU = SIGXCPU;
    /// A file larger than the limit.
    XFSZ = SIGXFSZ;
    /// A timer of CPU time.
    VTALRM = SIGVTALRM;
    /// A timer for profilers.
    PROF = SIGPROF;
    /// The terminal has another size.
    WINCH = SIGWINCH;
    /// A descriptor is ready.
    IO = SIGIO;
    /// The power fails.
    PWR = SIGPWR;
}

impl Signal {
    /// The signal with this number, if there can be one.
    ///
    /// # Examples
    /// See [`Signal`].
    pub fn from_number(number: i32) -> Option<Signal> {
        (1..=64).contains(&number).then_some(Signal(number))
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }

    /// Can a program hear of it? Not of KILL and STOP, nor of faults, which the kernel raises for an
    /// instruction, nor of those that the C library keeps for itself.
    pub(crate) fn can_be_heard(self) -> bool {
        !matches!(
            self.0,
            libc::SIGKILL
                | libc::SIGSTOP
                | libc::SIGSEGV
                | libc::SIGBUS
                | libc::SIGILL
                | libc::SIGFPE
                | libc::SIGTRAP
                | libc::SIGSYS
                | 32..34
        )
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("signal {}", self.0)),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(Signal::from_number(0), None);
        assert_eq!(Signal::from_number(65), None);
        assert_eq!(Signal::from_number(40).unwrap().to_string(), "signal 40");
        assert_eq!(
            format!("{:?} {:>8}", Signal::HUP, Signal::TERM),
            "SIGHUP  SIGTERM"
        );
        assert_eq!(Signal::USR1.number(), libc::SIGUSR1);
    }
}
