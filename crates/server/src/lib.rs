//! kopeck as a server.
//!
//! `app` holds the use cases, one a file, and knows no HTTP; `http` is thin routes over them; `background` does what
//! nobody asks for. `error` alone says what a failure is to somebody outside; `clock` alone reads the time.
//! `shards` knows where metering is, here or at other nodes. `documents` makes the API's documents out of a store, for the routes and for the command line; `safekeeping` copies,
//! restores and proves the folder that all of it lies in.

pub mod app;
pub mod auth;
pub mod background;
pub mod clock;
pub mod config;
pub mod documents;
pub mod error;
pub mod http;
pub mod metrics;
pub mod safekeeping;
pub mod scratch;
pub mod serve;
pub mod shards;

pub use app::App;
pub use config::Config;
pub use error::AppError;
pub use serve::serve;
