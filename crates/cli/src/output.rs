//! Where a command writes: standard output, or a file that appears only when it is whole.

use std::fs;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// The buffer between the lines and the system, in bytes.
const BUFFER: usize = 1 << 18;

/// An open output.
pub enum Output {
    /// Standard output.
    Standard(BufWriter<StdoutLock<'static>>),
    /// A file that exists and is no regular file, such as a pipe.
    Special(BufWriter<fs::File>),
    /// A file beside the wanted one, which it replaces in the end.
    Replacing(BufWriter<NamedTempFile>, String),
}

impl Output {
    /// Opens the file of that name, or standard output where there is none.
    pub fn open(path: Option<&str>) -> Result<Output, Failure> {
        let Some(path) = path.filter(|path| *path != "-") else {
            return Ok(Output::Standard(BufWriter::with_capacity(BUFFER, io::stdout().lock())));
        };
        let failed = |error: io::Error| Failure::file(path, "write", &error);
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(Output::Special(BufWriter::with_capacity(BUFFER, file)));
        }
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = beside(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        Ok(Output::Replacing(BufWriter::with_capacity(BUFFER, file), path.to_owned()))
    }

    /// Where to write.
    pub fn writer(&mut self) -> &mut dyn Write {
        match self {
            Output::Standard(writer) => writer,
            Output::Special(writer) => writer,
            Output::Replacing(writer, _) => writer,
        }
    }

    /// Ends the writing: only now a file has its name.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Output::Standard(mut writer) => writer.flush()?,
            Output::Special(mut writer) => writer.flush()?,
            Output::Replacing(writer, path) => {
                let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|error| Failure::file(&path, "write", &error.error))?;
            }
        }
        Ok(())
    }
}

/// A file beside the wanted one, as readable as any that the user makes.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new();
    file.prefix(".kopeck-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system takes away what its user does not grant (umask).
        file.permissions(fs::Permissions::from_mode(0o666));
    }
    file.tempfile_in(folder)
}
