"""The starter library: policy files and their tests, read as packaged data and copied by `auditor init`."""
