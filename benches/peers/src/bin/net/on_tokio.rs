//! The workloads on tokio, multi-threaded.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use tokio::time::timeout;

use crate::outcome::{
    AT_ONCE, Clock, Kind, Now, Outcome, SIZE, Times, Workload, announce, begin, compute_for,
};
use crate::resident::resident;

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(workload: &Workload, procs: usize, time: Duration) -> Outcome {
    let workload = *workload;
    on_workers(procs, async move { measure(&workload, time).await })
}

fn on_workers<R: Send + 'static>(
    procs: usize,
    main: impl Future<Output = R> + Send + 'static,
) -> R {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(procs)
        .enable_all()
        .build()
        .expect("tokio starts");
    // As a task: what `block_on` itself runs is outside of the workers.
    runtime.block_on(async { tokio::spawn(main).await.expect("the workload ends well") })
}

/// For clients of another process, until this one is ended.
pub(crate) fn serve_all(procs: usize) {
    on_workers(procs, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        announce(listener.local_addr().unwrap().port());
        loop {
            let stream = listener.accept().await.unwrap().0;
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, false));
        }
    })
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

async fn serve(mut stream: impl Stream, limit: bool) {
    let mut buf = [0; SIZE];
    loop {
        let read = stream.read(&mut buf);
        let answer = match limit {
            true => timeout(LIMIT, read).await.expect("in time"),
            false => read.await,
        };
        let Ok(n @ 1..) = answer else { return };
        compute_for(&buf);
        if stream.write_all(&buf[..n]).await.is_err() {
            return;
        }
    }
}

/// With the stream, which is closed when nothing is measured any more.
async fn ask<S: Stream>(mut stream: S, limit: bool) -> (Times, S) {
    let (request, mut answer) = ([AT_ONCE; SIZE], [0; SIZE]);
    let mut clock = Clock::new();
    loop {
        stream
            .write_all(&request)
            .await
            .expect("the server is there");
        let read = stream.read_exact(&mut answer);
        let read = match limit {
            true => timeout(LIMIT, read).await.expect("in time"),
            false => read.await,
        };
        read.expect("the server answers");
        assert_eq!(answer, request);
        if !clock.tick() {
            return (clock.times(), stream);
        }
    }
}

async fn tcp(count: usize, limit: bool) -> Vec<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let accepts = tokio::spawn(async move {
        for _ in 0..count {
            let stream = listener.accept().await.unwrap().0;
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, limit));
        }
    });
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        streams.push(stream);
    }
    accepts.await.unwrap();
    streams
}

async fn ask_all<S: Stream>(
    workload: &Workload,
    before: f64,
    time: Duration,
    streams: Vec<S>,
) -> Outcome {
    let limit = workload.kind == Kind::Deadline;
    let clients: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(ask(stream, limit)))
        .collect();
    let (now, began) = (Now::after(before), begin(time));
    let (mut all, mut open) = (vec![], vec![]);
    for client in clients {
        let (times, stream) = client.await.unwrap();
        all.push(times);
        open.push(stream);
    }
    let later = Now::after(before);
    Outcome::new(workload, all, began.elapsed(), &now.with_memory_of(later))
}

async fn udp() -> Times {
    let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    near.connect(far.local_addr().unwrap()).await.unwrap();
    far.connect(near.local_addr().unwrap()).await.unwrap();
    tokio::spawn(async move {
        let mut buf = [0; SIZE];
        while let Ok(n) = far.recv(&mut buf).await {
            far.send(&buf[..n]).await.unwrap();
        }
    });
    let client = async move {
        let (request, mut answer) = ([AT_ONCE; SIZE], [0; SIZE]);
        let mut clock = Clock::new();
        loop {
            near.send(&request).await.unwrap();
            assert_eq!(near.recv(&mut answer).await.unwrap(), SIZE);
            if !clock.tick() {
                return clock.times();
            }
        }
    };
    tokio::spawn(client).await.unwrap()
}

async fn connect(count: usize) -> Vec<Times> {
    let [.., a, b] = std::process::id().to_be_bytes();
    let here = Ipv4Addr::new(127, 1 + a % 100, b, 1);
    let listener = TcpListener::bind(SocketAddr::from((here, 0)))
        .await
        .unwrap();
    let to = listener.local_addr().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let server = tokio::spawn(async move {
        while !is_over.load(Relaxed) {
            let stream = listener.accept().await.unwrap().0;
            tokio::spawn(serve(stream, false));
        }
    });
    let client = move || async move {
        let mut clock = Clock::new();
        loop {
            let mut stream = TcpStream::connect(to).await.unwrap();
            stream.write_all(&[AT_ONCE]).await.unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
            if !clock.tick() {
                return clock.times();
            }
        }
    };
    let clients: Vec<_> = (0..count).map(|_| tokio::spawn(client())).collect();
    let mut all = vec![];
    for client in clients {
        all.push(client.await.unwrap());
    }
    over.store(true, Relaxed);
    drop(TcpStream::connect(to).await);
    server.await.unwrap();
    all
}

async fn measure(workload: &Workload, time: Duration) -> Outcome {
    let before = resident().expect("there is a /proc");
    match workload.kind {
        Kind::Echo | Kind::Deadline => {
            let idle = tcp(workload.idle, false).await;
            let streams = tcp(workload.busy, workload.kind == Kind::Deadline).await;
            let outcome = ask_all(workload, before, time, streams).await;
            drop(idle);
            outcome
        }
        Kind::Unix => {
            let new = |_| {
                let (near, far) = UnixStream::pair().unwrap();
                tokio::spawn(serve(far, false));
                near
            };
            let streams = (0..workload.busy).map(new).collect();
            ask_all(workload, before, time, streams).await
        }
        Kind::Udp | Kind::Connect => {
            let (now, began) = (Now::after(before), begin(time));
            let all = match workload.kind {
                Kind::Udp => vec![udp().await],
                _ => connect(workload.busy).await,
            };
            let later = Now::after(before);
            Outcome::new(workload, all, began.elapsed(), &now.with_memory_of(later))
        }
        Kind::Serve | Kind::Beside => unreachable!("the clients are another process"),
    }
}
