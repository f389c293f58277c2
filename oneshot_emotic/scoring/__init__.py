"""Scoring embeddings by protocol 1 (docs/protocol.md).

    embeddings -> knn, queries -> confusion a draw -> metrics a draw -> statistics -> Scores

Everything after the predictions is counted in whole numbers, so that a score is the same to the
last byte on any machine. Nothing here knows EMOTIC, files or submissions.
"""
