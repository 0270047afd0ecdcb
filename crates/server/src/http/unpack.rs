//! Packed bodies: gzip and zstd, unpacked up to a limit.
//!
//! A small body can say that it unpacks to anything, so unpacking stops with the first byte beyond the limit, and a
//! zstd frame that asks for a large window of memory is refused before it gets one.

use std::io::{self, Read};

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use flate2::bufread::MultiGzDecoder;
use tokio::sync::OwnedSemaphorePermit;

use super::body::too_large;
use crate::error::{AppError, ProblemKind};

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    None,
    /// gzip, one or several members.
    Gzip,
    /// zstd, one or several frames.
    Zstd,
}

/// A body as it was sent.
#[derive(Debug)]
pub struct Packed {
    /// What was sent.
    pub bytes: Bytes,
    /// How it is packed.
    pub encoding: Encoding,
    /// The most bytes that it may unpack to.
    pub limit: usize,
    /// Its room among the bodies that are held, unpacked as well.
    pub room: Option<OwnedSemaphorePermit>,
}

/// The window that a zstd frame may ask for, as a power of two: 8 MiB, which every encoder's levels up to 19 keep to.
const ZSTD_WINDOW_LOG: u32 = 23;

impl Encoding {
    /// How a request says that its body is packed.
    ///
    /// # Errors
    /// A problem of kind [`ProblemKind::UnsupportedMedia`] where it is another way, or packed twice.
    pub fn of(headers: &HeaderMap) -> Result<Encoding, AppError> {
        let mut given = headers.get_all(CONTENT_ENCODING).iter();
        let Some(first) = given.next() else { return Ok(Encoding::None) };
        let name = first.to_str().unwrap_or("unreadable").trim().to_ascii_lowercase();
        match (name.as_str(), given.next()) {
            ("" | "identity", None) => Ok(Encoding::None),
            ("gzip" | "x-gzip", None) => Ok(Encoding::Gzip),
            ("zstd", None) => Ok(Encoding::Zstd),
            _ => Err(AppError::Input {
                kind: ProblemKind::UnsupportedMedia,
                field: None,
                reason: format!("the body is packed as {name:?}, or more than once"),
                remedy: "pack it once as gzip or zstd, or send it as it is".to_owned(),
            }),
        }
    }
}

impl Packed {
    /// Unpacks it. It may take its time: not for async code.
    ///
    /// # Errors
    /// Problems of kind [`ProblemKind::TooLarge`] and [`ProblemKind::Malformed`].
    pub fn unpack(&self) -> Result<Bytes, AppError> {
        match self.encoding {
            Encoding::None => Ok(self.bytes.clone()),
            Encoding::Gzip => self.limited(MultiGzDecoder::new(self.bytes.as_ref())),
            Encoding::Zstd => {
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(self.bytes.as_ref()).map_err(bad)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(bad)?;
                self.limited(decoder)
            }
        }
    }

    fn limited(&self, unpacking: impl Read) -> Result<Bytes, AppError> {
        let mut unpacked = Vec::new();
        let most = self.limit as u64 + 1;
        unpacking.take(most).read_to_end(&mut unpacked).map_err(bad)?;
        if unpacked.len() > self.limit { Err(too_large(self.limit)) } else { Ok(unpacked.into()) }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made by map_err, which gives the error away")]
fn bad(error: io::Error) -> AppError {
    AppError::malformed(format!("the packed body can not be unpacked: {error}"), "pack it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::BODY_LIMIT_BYTES;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn unpack(bytes: Vec<u8>, encoding: Encoding) -> Result<usize, ProblemKind> {
        let packed = Packed { bytes: bytes.into(), encoding, limit: BODY_LIMIT_BYTES, room: None };
        packed.unpack().map(|unpacked| unpacked.len()).map_err(|error| error.kind())
    }

    #[test]
    fn what_unpacks_to_the_limit_is_taken_and_a_byte_more_is_not() {
        let (fits, more) = (vec![b' '; BODY_LIMIT_BYTES], vec![b' '; BODY_LIMIT_BYTES + 1]);
        assert_eq!(unpack(gzip(&fits), Encoding::Gzip), Ok(BODY_LIMIT_BYTES));
        assert_eq!(unpack(zstd(&fits), Encoding::Zstd), Ok(BODY_LIMIT_BYTES));
        assert_eq!(unpack(gzip(&more), Encoding::Gzip), Err(ProblemKind::TooLarge));
        assert_eq!(unpack(zstd(&more), Encoding::Zstd), Err(ProblemKind::TooLarge));
    }

    #[test]
    fn a_bomb_of_several_members_counts_as_one() {
        let half = vec![b' '; BODY_LIMIT_BYTES / 2 + 1];
        assert_eq!(unpack([gzip(&half), gzip(&half)].concat(), Encoding::Gzip), Err(ProblemKind::TooLarge));
        assert_eq!(unpack([zstd(&half), zstd(&half)].concat(), Encoding::Zstd), Err(ProblemKind::TooLarge));
    }

    #[test]
    fn a_frame_that_asks_for_a_large_window_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(b"{}").unwrap();
        assert_eq!(unpack(encoder.finish().unwrap(), Encoding::Zstd), Err(ProblemKind::Malformed));
    }

    #[test]
    fn what_is_cut_or_not_packed_at_all_is_refused() {
        let whole = gzip(b"{\"a\":1}");
        assert_eq!(unpack(whole[..whole.len() - 4].to_vec(), Encoding::Gzip), Err(ProblemKind::Malformed));
        assert_eq!(unpack(b"{}".to_vec(), Encoding::Zstd), Err(ProblemKind::Malformed));
    }
}
