//! Why a goroutine waits: Go's stable strings, shown in dumps and deadlock reports.
//!
//! Go: runtime2.go waitReason.
#![forbid(unsafe_code)]

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// One entry for each kind of wait. Go's texts where Go has such a wait; the others are our own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum WaitReason { $($(#[$doc])* $name,)* }

        const TEXTS: &[&str] = &[$($text,)*];
        const ALL: &[WaitReason] = &[$(WaitReason::$name,)*];
    };
}

reasons! {
    None = "",
    ChanReceive = "chan receive",
    ChanSend = "chan send",
    ChanReceiveNever = "chan receive (nil chan)",
    Select = "select",
    SelectNoCases = "select (no cases)",
    Sleep = "sleep",
    Semacquire = "semacquire",
    MutexLock = "sync.Mutex.Lock",
    RwLockRead = "sync.RWMutex.RLock",
    RwLockWrite = "sync.RWMutex.Lock",
    CondWait = "sync.Cond.Wait",
    WaitGroupWait = "sync.WaitGroup.Wait",
    OnceWait = "sync.Once.Do",
    BarrierWait = "barrier",
    SemaphoreAcquire = "semaphore",
    Join = "join",
    Park = "park",
    Run = "run",
    ScopeWait = "scope",
    FutureWait = "future",
    IoWait = "IO wait",
}

impl WaitReason {
    pub(crate) fn as_str(self) -> &'static str {
        TEXTS[self as usize]
    }

    pub(crate) fn from_u8(n: u8) -> WaitReason {
        ALL.get(n as usize).copied().unwrap_or(WaitReason::None)
    }
}
