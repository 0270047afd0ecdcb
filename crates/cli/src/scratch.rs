//! How much of a run is remembered in memory, and where the rest goes.

use std::{env, fs};

use kopeck_rating::rate::MemoryLimit;
use kopeck_server::scratch::ScratchFolder;

use crate::args::MemoryArgs;
use crate::failure::Failure;

/// The limit that the arguments name. A folder that is named must be there, also where it will not be needed.
pub fn memory_limit(args: &MemoryArgs) -> Result<MemoryLimit, Failure> {
    let folder = match &args.scratch {
        None => env::temp_dir(),
        Some(folder) => {
            let shown = folder.display();
            let remedy = "name a folder that exists with --scratch";
            let metadata = fs::metadata(folder).map_err(|error| {
                Failure::input(format!("can not open the scratch folder {shown}: {error}"), None, remedy)
            })?;
            if !metadata.is_dir() {
                return Err(Failure::input(format!("{shown} is not a folder"), None, remedy));
            }
            folder.clone()
        }
    };
    let bytes = usize::try_from(args.memory.as_u64()).unwrap_or(usize::MAX);
    Ok(MemoryLimit { bytes, scratches: Box::new(ScratchFolder(folder)) })
}
