"""Dataset folders on the Hugging Face Hub.

`repository.py` reads `ORG/NAME[@REVISION]` and lists the registered data sets,
`fetch.py` brings a repository into the Hub's usual cache, `publish.py` uploads a folder, and
`client.py` turns what `huggingface_hub` raises into messages. The library is imported when it is
used; 0.30, 1.0 and 2.4 were tried.
"""
