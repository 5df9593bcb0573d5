// Included by `same_api.rs`: `sync` is std's or ours.

mod mpsc {
    use std::error::Error;
    use std::fmt::Debug;
    use std::panic::{RefUnwindSafe, UnwindSafe};
    use std::time::Duration;

    use super::sync::mpsc::{
        IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender,
        TryIter, TryRecvError, TrySendError, channel, sync_channel,
    };

    type NotShared = std::cell::Cell<u8>;

    fn sender<T: Clone + Debug + Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    fn receiver<T: Debug + Send + UnwindSafe + RefUnwindSafe>() {}
    fn iterator<T: Debug + Iterator<Item = u8>>() {}
    fn error<T: Error>() {}

    #[test]
    fn all_there() {
        sender::<Sender<NotShared>>();
        sender::<SyncSender<NotShared>>();
        receiver::<Receiver<NotShared>>();
        let _: fn() -> (Sender<u8>, Receiver<u8>) = channel;
        let _: fn(usize) -> (SyncSender<u8>, Receiver<u8>) = sync_channel;
        let _: fn(&Sender<u8>, u8) -> Result<(), SendError<u8>> = Sender::send;
        let _: fn(&SyncSender<u8>, u8) -> Result<(), SendError<u8>> = SyncSender::send;
        let _: fn(&SyncSender<u8>, u8) -> Result<(), TrySendError<u8>> = SyncSender::try_send;
        let _: fn(&Receiver<u8>) -> Result<u8, RecvError> = Receiver::recv;
        let _: fn(&Receiver<u8>) -> Result<u8, TryRecvError> = Receiver::try_recv;
        let _: fn(&Receiver<u8>, Duration) -> Result<u8, RecvTimeoutError> =
            Receiver::recv_timeout;
        let _: for<'a> fn(&'a Receiver<u8>) -> Iter<'a, u8> = Receiver::iter;
        let _: for<'a> fn(&'a Receiver<u8>) -> TryIter<'a, u8> = Receiver::try_iter;
        let _: fn(Receiver<u8>) -> IntoIter<u8> = IntoIterator::into_iter;
        let _: for<'a> fn(&'a Receiver<u8>) -> Iter<'a, u8> = |r| IntoIterator::into_iter(r);
        iterator::<Iter<'_, u8>>();
        iterator::<TryIter<'_, u8>>();
        iterator::<IntoIter<u8>>();
        error::<SendError<NotShared>>();
        error::<TrySendError<NotShared>>();
        error::<RecvError>();
        error::<TryRecvError>();
        error::<RecvTimeoutError>();
    }
}
