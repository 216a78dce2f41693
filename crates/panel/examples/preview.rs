//! Serves the panel over a station in memory, with everybody logged in, to look at the pages:
//! `cargo run -p loa-panel --example preview -- 8099`

#[path = "../tests/memory/mod.rs"]
mod memory;

use std::net::SocketAddr;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).as_deref().unwrap_or("8099").parse()?;
    let mut station = memory::Memory::new();
    station.open = true;
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    println!("http://{}", listener.local_addr()?);
    let app = loa_panel::router(Arc::new(station)).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}
