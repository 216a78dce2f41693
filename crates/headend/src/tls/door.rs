//! The panel's door: TLS, and for whoever comes without it the way there.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Takes connections that begin with TLS, and sends those that begin with HTTP to `https://`.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(super) tls: RustlsAcceptor,
}

type Secured<S> = <RustlsAcceptor as Accept<TcpStream, S>>::Stream;
type Served<S> = <RustlsAcceptor as Accept<TcpStream, S>>::Service;

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = Secured<S>;
    type Service = Served<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Secured<S>, Served<S>)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let tls = self.tls.clone();
        Box::pin(async move {
            let mut first = [0];
            timeout(PATIENCE, stream.peek(&mut first)).await??;
            if first[0] == TLS_HANDSHAKE {
                return tls.accept(stream, service).await;
            }
            timeout(PATIENCE, show_the_way(stream)).await??;
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, "sent to https"))
        })
    }
}

async fn show_the_way(mut stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    let mut block = [0; 1_024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        let read = stream.read(&mut block).await?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(&block[..read]);
    }
    stream
        .write_all(answer(&String::from_utf8_lossy(&head)).as_bytes())
        .await?;
    stream.shutdown().await
}

/// Answers a request without TLS: the same address with it, if the request names a host.
fn answer(head: &str) -> String {
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1));
    let path = path.filter(|path| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then_some(value.trim())
    });
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let host = host.filter(|host| !host.is_empty() && host.bytes().all(plain));
    match host {
        Some(host) => format!(
            "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://{host}{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            path.unwrap_or("/")
        ),
        None => "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    }
}

/// First byte of a TLS connection: a handshake record (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;
const PATIENCE: Duration = Duration::from_secs(5);
const HEAD_BYTES_MAX: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_leads_to_the_same_host_and_path_and_nowhere_else() {
        let location = |head: &str| {
            let answer = answer(head);
            let line = answer.lines().find_map(|line| line.strip_prefix("Location: "));
            line.map(str::to_owned)
        };
        let rows = [
            (
                "GET /today?date=1 HTTP/1.1\r\nhost: 10.0.0.5:8080\r\n\r\n",
                Some("https://10.0.0.5:8080/today?date=1"),
            ),
            (
                "GET / HTTP/1.1\r\nHost: [fd00::1]:8080\r\n\r\n",
                Some("https://[fd00::1]:8080/"),
            ),
            (
                "GET //evil.example/ HTTP/1.1\r\nHost: loa.lan\r\n\r\n",
                Some("https://loa.lan//evil.example/"),
            ),
            ("GET / HTTP/1.1\r\nHost: a/../b@c\r\n\r\n", None),
            ("GET / HTTP/1.1\r\n\r\n", None),
            ("", None),
        ];
        for (head, expected) in rows {
            assert_eq!(location(head).as_deref(), expected, "{head:?}");
        }
    }
}
