//! Reading what is sent: JSON, with the place of what is wrong.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Why a document can not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It is not JSON.
    Syntax(String),
    /// A field is wrong.
    Field {
        /// Where: `[3].amount`. `None` where it is the document itself.
        field: Option<String>,
        /// What is wrong.
        reason: String,
    },
}

/// What a route can be sent.
pub trait Incoming: Sized + Send + 'static {
    /// Reads it.
    ///
    /// # Errors
    /// [`Unread`].
    fn read(bytes: &[u8]) -> Result<Self, Unread>;
}

/// Reads a document of one JSON value.
///
/// # Errors
/// [`Unread`].
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unread> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        unread(&error.into_inner(), &field)
    })?;
    reader.end().map_err(|error| unread(&error, "."))?;
    Ok(read)
}

/// What is wrong at a place, `.` being the whole document.
pub(crate) fn unread(error: &serde_json::Error, field: &str) -> Unread {
    match error.classify() {
        Category::Data => {
            Unread::Field { field: Some(field.to_owned()).filter(|field| field != "."), reason: what(error) }
        }
        Category::Io | Category::Syntax | Category::Eof => Unread::Syntax(error.to_string()),
    }
}

/// What serde says, without the place in the text: the field is told beside it.
fn what(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rfind(" at line ").map_or(said.clone(), |end| said[..end].to_owned())
}
