// mpsc: included behind locks.rs, for `std` and for ours.

use sync::mpsc::{
    self, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryRecvError,
    TrySendError, channel, sync_channel,
};

#[test]
fn messages_come_in_order_and_end_with_the_senders() {
    run(|| {
        let (tx, rx) = channel();
        let other = tx.clone();
        assert_eq!((tx.send(1), other.send(2), tx.send(3)), (Ok(()), Ok(()), Ok(())));
        drop((tx, other));
        assert_eq!((rx.recv(), rx.try_recv(), rx.recv()), (Ok(1), Ok(2), Ok(3)));
        assert_eq!(rx.recv(), Err(RecvError));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        let soon = Duration::from_millis(1);
        assert_eq!(rx.recv_timeout(soon), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn nothing_is_sent_to_nobody() {
    run(|| {
        let (tx, rx) = channel();
        let (sync_tx, sync_rx) = sync_channel(1);
        drop((rx, sync_rx));
        assert_eq!(tx.send(1), Err(SendError(1)));
        assert_eq!(sync_tx.send(2), Err(SendError(2)));
        assert_eq!(sync_tx.try_send(3), Err(TrySendError::Disconnected(3)));
    });
}

#[test]
fn a_channel_with_a_bound_holds_so_many() {
    run(|| {
        let (tx, rx) = sync_channel(2);
        assert_eq!((tx.send(1), tx.try_send(2)), (Ok(()), Ok(())));
        assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
        let sender = thread::spawn(move || {
            tx.send(4).unwrap(); // waits
            tx
        });
        assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(1), Ok(2), Ok(4)));
        let tx = sender.join().unwrap();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        drop(tx);
    });
}

#[test]
fn with_bound_zero_both_meet() {
    run(|| {
        let (tx, rx) = sync_channel(0);
        assert_eq!(tx.try_send(0), Err(TrySendError::Full(0)));
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let sender = thread::spawn(move || {
            for i in 0..10 {
                tx.send(i).unwrap();
                counter.fetch_add(1, Relaxed);
            }
        });
        for i in 0..10 {
            assert!(sent.load(Relaxed) <= i, "a send waits for its receive");
            assert_eq!(rx.recv(), Ok(i));
        }
        sender.join().unwrap();
        let (tx, rx) = sync_channel(0);
        let receiver = thread::spawn(move || rx.recv());
        until(|| tx.try_send(5) != Err(TrySendError::Full(5)));
        assert_eq!(receiver.join().unwrap(), Ok(5));
    });
}

#[test]
fn a_waiting_sender_gets_its_message_back() {
    run(|| {
        for bound in [0, 1] {
            let (tx, rx) = sync_channel(bound);
            (0..bound).for_each(|_| tx.send(0).unwrap());
            let sender = thread::spawn(move || tx.send(7));
            (0..20).for_each(|_| thread::yield_now());
            drop(rx);
            assert_eq!(sender.join().unwrap(), Err(SendError(7)));
        }
    });
}

#[test]
fn many_senders_lose_nothing() {
    run(|| {
        for bound in [None, Some(0), Some(3)] {
            let (tx, sync_tx, rx): (Option<Sender<usize>>, Option<SyncSender<usize>>, _) =
                match bound {
                    None => {
                        let (tx, rx) = channel();
                        (Some(tx), None, rx)
                    }
                    Some(bound) => {
                        let (tx, rx) = sync_channel(bound);
                        (None, Some(tx), rx)
                    }
                };
            let senders: Vec<_> = (0..4)
                .map(|id| {
                    let (tx, sync_tx) = (tx.clone(), sync_tx.clone());
                    thread::spawn(move || {
                        for i in 0..200 {
                            match (&tx, &sync_tx) {
                                (Some(tx), _) => tx.send(id * 1000 + i).unwrap(),
                                (_, Some(tx)) => tx.send(id * 1000 + i).unwrap(),
                                _ => unreachable!(),
                            }
                        }
                    })
                })
                .collect();
            drop((tx, sync_tx));
            let mut next = [0; 4];
            for message in &rx {
                assert_eq!(message % 1000, next[message / 1000], "one sender's are in order");
                next[message / 1000] += 1;
            }
            assert_eq!(next, [200; 4]);
            senders.into_iter().for_each(|s| s.join().unwrap());
        }
    });
}

#[test]
fn iterators_over_messages() {
    run(|| {
        let (tx, rx) = channel();
        assert_eq!(rx.try_iter().next(), None);
        (0..3).for_each(|i| tx.send(i).unwrap());
        assert!(rx.try_iter().eq(0..3));
        (3..6).for_each(|i| tx.send(i).unwrap());
        assert!(rx.iter().take(2).eq(3..5));
        drop(tx);
        let mut rest = rx.into_iter();
        assert_eq!((rest.next(), rest.next(), rest.next()), (Some(5), None, None));
    });
}

#[test]
fn a_receive_with_a_time_out() {
    run(|| {
        let (tx, rx) = channel();
        let (start, wait) = (Instant::now(), Duration::from_millis(5));
        assert_eq!(rx.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
        assert!(start.elapsed() >= wait);
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        let sender = thread::spawn(move || tx.send(1));
        assert_eq!(rx.recv_timeout(Duration::from_secs(3600)), Ok(1));
        assert_eq!(sender.join().unwrap(), Ok(()));
        let forever = Duration::MAX;
        assert_eq!(rx.recv_timeout(forever), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn messages_on_the_way_are_dropped_with_the_receiver() {
    run(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (tx, rx) = channel();
        (0..100).for_each(|_| tx.send(Counted(drops.clone())).unwrap());
        drop(rx.recv());
        assert_eq!(drops.load(Relaxed), 1);
        drop(rx);
        assert_eq!(drops.load(Relaxed), 100);
        drop(tx.send(Counted(drops.clone())));
        assert_eq!(drops.load(Relaxed), 101);
        let (tx, rx) = sync_channel(3);
        (0..3).for_each(|_| tx.send(Counted(drops.clone())).unwrap());
        drop((tx, rx));
        assert_eq!(drops.load(Relaxed), 104);
    });
}

/// A receiver goes from hand to hand, and a sender is shared.
#[test]
fn handles_move_and_senders_are_shared() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}
    run(|| {
        let (tx, rx) = channel::<std::cell::Cell<u8>>();
        send(&tx);
        sync(&tx);
        send(&rx);
        let (tx, rx) = sync_channel::<std::cell::Cell<u8>>(1);
        send(&tx);
        sync(&tx);
        send(&rx);
        let (tx, rx): (_, Receiver<i32>) = channel();
        let first = thread::spawn(move || (rx.recv(), rx));
        tx.send(1).unwrap();
        let (message, rx) = first.join().unwrap();
        tx.send(2).unwrap();
        assert_eq!((message, rx.recv()), (Ok(1), Ok(2)));
    });
}

#[test]
fn debug_and_texts_of_mpsc() {
    run(|| {
        let (tx, rx) = channel::<u8>();
        let (sync_tx, _rx) = mpsc::sync_channel::<u8>(0);
        let texts = format!("{tx:?} {sync_tx:?} {rx:?}");
        assert_eq!(texts, "Sender { .. } SyncSender { .. } Receiver { .. }");
        let texts = format!("{:?} {:?}", rx.iter(), rx.try_iter());
        let expect = "Iter { rx: Receiver { .. } } TryIter { rx: Receiver { .. } }";
        assert_eq!(texts, expect);
        let texts = format!("{:?}", rx.into_iter());
        assert_eq!(texts, "IntoIter { rx: Receiver { .. } }");
        assert_eq!(SendError(1).to_string(), "sending on a closed channel");
        assert_eq!(RecvError.to_string(), "receiving on a closed channel");
    });
}
