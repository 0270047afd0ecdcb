//! Prints the API's description: `cargo xtask openapi` writes it to `openapi.json`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(kopeck_server::http::document().as_bytes())
}
