// Included by `same_api.rs`: `channel` is crossbeam's or ours.

mod channels {
    use std::error::Error;
    use std::fmt::Debug;
    use std::iter::FusedIterator;
    use std::panic::{RefUnwindSafe, UnwindSafe};
    use std::time::{Duration, Instant};

    use super::channel::{
        IntoIter, Iter, ReadyTimeoutError, Receiver, RecvError, RecvTimeoutError, Select,
        SelectTimeoutError, SelectedOperation, SendError, SendTimeoutError, Sender, TryIter,
        TryReadyError, TryRecvError, TrySelectError, TrySendError, after, at, bounded, never,
        select, select_biased, tick, unbounded,
    };

    type NotShared = std::cell::Cell<u8>;

    const NEVER: Receiver<u8> = never();

    fn making() {
        let _: fn(usize) -> (Sender<u8>, Receiver<u8>) = bounded;
        let _: fn() -> (Sender<u8>, Receiver<u8>) = unbounded;
        let _: [fn(Duration) -> Receiver<Instant>; 2] = [after, tick];
        let _: fn(Instant) -> Receiver<Instant> = at;
        assert!(NEVER.is_empty());
    }

    fn handle<T: Clone + Debug + Send + Sync + UnwindSafe + RefUnwindSafe>() {}

    fn senders() {
        handle::<Sender<NotShared>>();
        let _: fn(&Sender<u8>, u8) -> Result<(), SendError<u8>> = Sender::send;
        let _: fn(&Sender<u8>, u8) -> Result<(), TrySendError<u8>> = Sender::try_send;
        let _: fn(&Sender<u8>, u8, Duration) -> Result<(), SendTimeoutError<u8>> =
            Sender::send_timeout;
        let _: fn(&Sender<u8>, u8, Instant) -> Result<(), SendTimeoutError<u8>> =
            Sender::send_deadline;
        let _: [fn(&Sender<u8>) -> bool; 2] = [Sender::is_empty, Sender::is_full];
        let _: fn(&Sender<u8>) -> usize = Sender::len;
        let _: fn(&Sender<u8>) -> Option<usize> = Sender::capacity;
        let _: fn(&Sender<u8>, &Sender<u8>) -> bool = Sender::same_channel;
    }

    fn receivers() {
        handle::<Receiver<NotShared>>();
        let _: fn(&Receiver<u8>) -> Result<u8, RecvError> = Receiver::recv;
        let _: fn(&Receiver<u8>) -> Result<u8, TryRecvError> = Receiver::try_recv;
        let _: fn(&Receiver<u8>, Duration) -> Result<u8, RecvTimeoutError> =
            Receiver::recv_timeout;
        let _: fn(&Receiver<u8>, Instant) -> Result<u8, RecvTimeoutError> =
            Receiver::recv_deadline;
        let _: [fn(&Receiver<u8>) -> bool; 2] = [Receiver::is_empty, Receiver::is_full];
        let _: fn(&Receiver<u8>) -> usize = Receiver::len;
        let _: fn(&Receiver<u8>) -> Option<usize> = Receiver::capacity;
        let _: fn(&Receiver<u8>, &Receiver<u8>) -> bool = Receiver::same_channel;
    }

    fn iterators() {
        fn iterator<T: Debug + Iterator<Item = u8>>() {}
        fn fused<T: FusedIterator>() {}
        iterator::<Iter<'_, u8>>();
        iterator::<TryIter<'_, u8>>();
        iterator::<IntoIter<u8>>();
        fused::<Iter<'_, u8>>();
        fused::<IntoIter<u8>>();
        let _: for<'a> fn(&'a Receiver<u8>) -> Iter<'a, u8> = Receiver::iter;
        let _: for<'a> fn(&'a Receiver<u8>) -> TryIter<'a, u8> = Receiver::try_iter;
        let _: fn(Receiver<u8>) -> IntoIter<u8> = IntoIterator::into_iter;
        let _: for<'a> fn(&'a Receiver<u8>) -> Iter<'a, u8> = |r| IntoIterator::into_iter(r);
    }

    fn selects<'a>() {
        type Selected<'a, E> = Result<SelectedOperation<'a>, E>;
        fn plain<T: Clone + Default + Debug + Send + Sync>() {}
        plain::<Select<'_>>();
        let _: [fn() -> Select<'a>; 2] = [Select::new, Select::new_biased];
        let _: fn(&mut Select<'a>, &'a Sender<u8>) -> usize = Select::send;
        let _: fn(&mut Select<'a>, &'a Receiver<u8>) -> usize = Select::recv;
        let _: fn(&mut Select<'a>, usize) = Select::remove;
        let _: fn(&mut Select<'a>) -> Selected<'a, TrySelectError> = Select::try_select;
        let _: fn(&mut Select<'a>) -> SelectedOperation<'a> = Select::select;
        let _: fn(&mut Select<'a>, Duration) -> Selected<'a, SelectTimeoutError> =
            Select::select_timeout;
        let _: fn(&mut Select<'a>, Instant) -> Selected<'a, SelectTimeoutError> =
            Select::select_deadline;
        let _: fn(&mut Select<'a>) -> Result<usize, TryReadyError> = Select::try_ready;
        let _: fn(&mut Select<'a>) -> usize = Select::ready;
        let _: fn(&mut Select<'a>, Duration) -> Result<usize, ReadyTimeoutError> =
            Select::ready_timeout;
        let _: fn(&mut Select<'a>, Instant) -> Result<usize, ReadyTimeoutError> =
            Select::ready_deadline;
        let _: fn(&SelectedOperation<'a>) -> usize = SelectedOperation::index;
        let _: fn(SelectedOperation<'a>, &Sender<u8>, u8) -> Result<(), SendError<u8>> =
            SelectedOperation::send;
        let _: fn(SelectedOperation<'a>, &Receiver<u8>) -> Result<u8, RecvError> =
            SelectedOperation::recv;
    }

    fn errors() {
        fn error<T: Error + Copy + Eq>() {}
        fn with_message<T: Error>() {}
        error::<RecvError>();
        error::<TryRecvError>();
        error::<RecvTimeoutError>();
        error::<TrySelectError>();
        error::<SelectTimeoutError>();
        fn equal<T: Copy + Eq + Debug>() {} // crossbeam's are no `Error`
        equal::<TryReadyError>();
        equal::<ReadyTimeoutError>();
        with_message::<SendError<NotShared>>();
        with_message::<TrySendError<NotShared>>();
        with_message::<SendTimeoutError<NotShared>>();
        fn value<T: Copy + Eq>() {}
        value::<SendError<u8>>();
        value::<TrySendError<u8>>();
        value::<SendTimeoutError<u8>>();
        let _: fn(SendError<u8>) -> u8 = SendError::into_inner;
        let _: fn(TrySendError<u8>) -> u8 = TrySendError::into_inner;
        let _: fn(SendTimeoutError<u8>) -> u8 = SendTimeoutError::into_inner;
        let _: [fn(&TrySendError<u8>) -> bool; 2] =
            [TrySendError::is_full, TrySendError::is_disconnected];
        let _: [fn(&SendTimeoutError<u8>) -> bool; 2] =
            [SendTimeoutError::is_timeout, SendTimeoutError::is_disconnected];
        let _: [fn(&TryRecvError) -> bool; 2] =
            [TryRecvError::is_empty, TryRecvError::is_disconnected];
        let _: [fn(&RecvTimeoutError) -> bool; 2] =
            [RecvTimeoutError::is_timeout, RecvTimeoutError::is_disconnected];
        let _: fn(SendError<u8>) -> TrySendError<u8> = From::from;
        let _: fn(SendError<u8>) -> SendTimeoutError<u8> = From::from;
        let _: fn(RecvError) -> TryRecvError = From::from;
        let _: fn(RecvError) -> RecvTimeoutError = From::from;
    }

    #[test]
    fn all_there() {
        making();
        senders();
        receivers();
        iterators();
        selects();
        errors();
    }

    /// Every text that a program may print or match.
    #[test]
    fn the_texts() {
        fn both(e: &dyn Error) -> String {
            format!("{e:?}: {e}").replace('"', "") // of crossbeam's some are in quotes
        }
        let texts = [
            both(&SendError(1)),
            both(&TrySendError::Full(1)),
            both(&TrySendError::Disconnected(1)),
            both(&SendTimeoutError::Timeout(1)),
            both(&SendTimeoutError::Disconnected(1)),
            both(&RecvError),
            both(&TryRecvError::Empty),
            both(&TryRecvError::Disconnected),
            both(&RecvTimeoutError::Timeout),
            both(&RecvTimeoutError::Disconnected),
            both(&TrySelectError),
            both(&SelectTimeoutError),
        ];
        let expected = [
            "SendError(..): sending on a disconnected channel",
            "Full(..): sending on a full channel",
            "Disconnected(..): sending on a disconnected channel",
            "SendTimeoutError(..): timed out waiting on send operation",
            "SendTimeoutError(..): sending on a disconnected channel",
            "RecvError: receiving on an empty and disconnected channel",
            "Empty: receiving on an empty channel",
            "Disconnected: receiving on an empty and disconnected channel",
            "Timeout: timed out waiting on receive operation",
            "Disconnected: channel is empty and disconnected",
            "TrySelectError: all operations in select would block",
            "SelectTimeoutError: timed out waiting on select",
        ];
        assert_eq!(texts, expected);
        let (s, r) = bounded::<u8>(1);
        let handles = format!("{s:?} {r:?} {:?} {:?} {:?}", r.iter(), r.try_iter(), NEVER);
        assert_eq!(
            handles,
            "Sender { .. } Receiver { .. } Iter { .. } TryIter { .. } Receiver { .. }"
        );
        assert_eq!(format!("{:?}", r.into_iter()), "IntoIter { .. }");
    }

    /// Each form that a case may have.
    #[test]
    #[allow(clippy::redundant_pattern_matching, reason = "patterns of all kinds")]
    fn the_macros_grammar() {
        let (s, r) = unbounded::<u8>();
        let more = |n| (0..n).for_each(|_| s.send(7).unwrap());
        more(20);
        let both = [&r, &r];
        let mut got = 0;
        select! { recv(r) -> msg => got += msg.unwrap() }
        select! { recv(r) -> msg => got += msg.unwrap(), }
        select! { recv(&r) -> msg => { got += msg.unwrap() } }
        select! { recv(&r,) -> msg => { got += msg.unwrap(); }, }
        select! { recv(both[0]) -> _ => {} recv(both[1]) -> _ => {} }
        select! { recv(r) -> _ => (), recv(r) -> (Ok(_) | Err(_)) => {} default => () }
        select! { recv(r.clone()) -> mut msg => { msg = msg.map(|n| n + 1); got += msg.unwrap() } }
        select! { recv(r) -> _ => (), default => unreachable!(), }
        select! { recv(r) -> _ => (), default() => unreachable!() }
        select! { default => unreachable!(), recv(r) -> _ => () }
        select! { recv(r) -> _ => (), default(Duration::ZERO) => unreachable!() }
        select! { recv(r) -> _ => (), default(Duration::ZERO,) => unreachable!(), }
        select! { send(s, 1) -> res => res.unwrap() }
        select! { send(&s, 1,) -> res => res.unwrap(), recv(NEVER) -> _ => unreachable!() }
        select! { send({ &s }, { 1 }) -> (Err(_) | Ok(_)) => {} }
        let value: u8 = select! { recv(r) -> msg => msg.unwrap(), default => 0 };
        let value = value + select_biased! { recv(r) -> msg => msg.unwrap(), recv(r) -> _ => 0 };
        select! { default => got += value }
        select! { default(Duration::ZERO) => {} }
        select_biased! { default => {} }
        loop {
            select! { recv(r) -> msg => if msg.is_ok() { break } else { continue }, }
        }
        assert!(got > 0);
    }
}
