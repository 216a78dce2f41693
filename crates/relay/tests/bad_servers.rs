//! Sources that misbehave: each is given up within its patience, with a reason that people can read and no password in it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use loa_relay::probe;

/// What a server does with a connection once it has read the request.
type Answer = fn(&mut TcpStream) -> std::io::Result<()>;

/// Serves one misbehaviour on a port of its own, until the test process ends.
fn serve(answer: Answer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let request = BufReader::new(stream.try_clone().unwrap()).lines();
                request
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .for_each(drop);
                // Whoever asked hangs up on us; that is the point.
                let _ = answer(&mut stream);
            });
        }
    });
    port
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n";

fn not_found(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

fn redirect_to_itself(stream: &mut TcpStream) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /live\r\nContent-Length: 0\r\n\r\n")
}

/// 64 MB of headers, if anybody reads that far.
fn endless_headers(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
    (0..1_000_000).try_for_each(|n| write!(stream, "X-{n}: {}\r\n", "a".repeat(50)))
}

fn silent_server(_: &mut TcpStream) -> std::io::Result<()> {
    std::thread::sleep(Duration::from_secs(20));
    Ok(())
}

/// Bytes without a pattern (xorshift), none of them audio.
fn garbage(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(OK)?;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..16_384 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        stream.write_all(&state.to_le_bytes())?;
    }
    Ok(())
}

/// A page that never ends, for as long as anybody reads, at most 20 s.
fn endless_page(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(OK)?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        stream.write_all(&b"<p>not a radio</p>\n".repeat(50))?;
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn stalls_in_the_body(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(OK)?;
    stream.write_all(&[0xFF, 0xFB])?;
    silent_server(stream)
}

fn nothing(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(OK)
}

#[test]
fn a_bad_server_is_given_up_with_a_reason() {
    let rows: [(&str, Answer, &[&str]); 8] = [
        ("404", not_found, &["404"]),
        ("redirect loop", redirect_to_itself, &["redirect"]),
        ("endless headers", endless_headers, &["header"]),
        ("never answers", silent_server, &["timeout", "nothing came"]),
        ("garbage", garbage, &[]),
        ("a page without end", endless_page, &[]),
        (
            "stalls in the body",
            stalls_in_the_body,
            &["timeout", "nothing came", "timed out"],
        ),
        ("an empty body", nothing, &[]),
    ];
    for (name, answer, expected) in rows {
        let url = format!("http://nghe:bi-mat@127.0.0.1:{}/live", serve(answer));
        let began = Instant::now();
        let why = probe(&url, PATIENCE).expect_err(name).to_string();
        println!("{name}: {why}");
        assert!(!why.is_empty(), "{name}: no reason");
        assert!(!why.contains("bi-mat"), "{name}: tells the password: {why}");
        assert!(
            expected.is_empty() || expected.iter().any(|part| why.to_lowercase().contains(part)),
            "{name}: {why}"
        );
        assert!(began.elapsed() < 3 * PATIENCE, "{name}: kept waiting");
    }
}

/// Many small stations still answer so.
fn shoutcast(stream: &mut TcpStream) -> std::io::Result<()> {
    let audio = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../schedules/demo/audio/ban-tin-tinh.mp3"
    );
    stream.write_all(b"ICY 200 OK\r\nicy-name: Loa\r\ncontent-type: audio/mpeg\r\n\r\n")?;
    stream.write_all(&std::fs::read(audio)?)
}

#[test]
fn a_station_that_answers_as_shoutcast_does_is_heard() {
    let url = format!("http://127.0.0.1:{}/live", serve(shoutcast));
    probe(&url, PATIENCE).unwrap();
}

const PATIENCE: Duration = Duration::from_secs(5);
